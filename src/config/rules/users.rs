//! Accounts: that each is there once, is not the system's, and has public keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Subject;
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::config::values::Invalid;

/// Accounts of Debian's and Ubuntu's base-passwd and of packages on every machine.
const SYSTEM_USERS: &[&str] = &[
    "_apt",
    "_chrony",
    "backup",
    "bin",
    "daemon",
    "dnsmasq",
    "etcd",
    "games",
    "gnats",
    "irc",
    "list",
    "lp",
    "mail",
    "man",
    "messagebus",
    "news",
    "nobody",
    "ntp",
    "polkitd",
    "proxy",
    "root",
    "sshd",
    "sync",
    "sys",
    "syslog",
    "systemd-network",
    "systemd-resolve",
    "systemd-timesync",
    "tcpdump",
    "uucp",
    "uuidd",
    "www-data",
];

/// Users that base-passwd makes on every Debian and Ubuntu (its `passwd.master`).
const BASE_USERS: &[&str] = &[
    "root", "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy", "www-data",
    "backup", "list", "irc", "nobody",
];

/// Groups that base-passwd makes on every Debian and Ubuntu (its `group.master`). A user of such a name would want a
/// group of that name, and cloud-init would then make no user at all.
const BASE_GROUPS: &[&str] = &[
    "root", "daemon", "bin", "sys", "adm", "tty", "disk", "lp", "mail", "news", "uucp", "man", "proxy", "kmem",
    "dialout", "fax", "voice", "cdrom", "floppy", "tape", "sudo", "audio", "dip", "www-data", "backup", "operator",
    "list", "irc", "src", "shadow", "utmp", "video", "sasl", "plugdev", "staff", "games", "users", "nogroup",
];

/// Groups of packages that many machines have.
const PACKAGE_GROUPS: &[&str] = &[
    "crontab",
    "docker",
    "input",
    "kvm",
    "lxd",
    "netdev",
    "render",
    "sgx",
    "ssl-cert",
    "systemd-journal",
    "wheel",
    "_ssh",
];

/// Whether a user of this name is on every machine of the document.
pub(super) fn has_user(subject: &Subject<'_>, name: &str) -> bool {
    is_base(subject, name, BASE_USERS) || is_declared(subject, name)
}

/// Whether a group of this name is on every machine of the document.
pub(super) fn has_group(subject: &Subject<'_>, name: &str) -> bool {
    is_base(subject, name, BASE_GROUPS) || is_declared(subject, name)
}

/// Elsewhere Ignition looks into /etc/passwd and /etc/group alone, where little more than root is.
fn is_base(subject: &Subject<'_>, name: &str, known: &[&str]) -> bool {
    name == "root" || known.contains(&name) && subject.all_debian()
}

fn is_declared(subject: &Subject<'_>, name: &str) -> bool {
    subject.draft.users.iter().any(|user| user.name.as_str() == name)
}

/// The key types of OpenSSH (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
const KEY_TYPES: &[&str] = &[
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// Fewest bytes behind the type's name: an Ed25519 key has 4 of length and 32.
const LEAST_KEY: usize = 36;

/// A line of authorized_keys from its key type on: options before it end at the first blank outside quotes (sshd(8)).
fn without_options(line: &str) -> Option<&str> {
    let begins = |line: &str| {
        let kind = line.split_whitespace().next().unwrap_or_default();
        kind == "ssh-dss" || KEY_TYPES.contains(&kind)
    };
    if begins(line) {
        return Some(line);
    }
    let (mut quoted, mut escaped) = (false, false);
    let end = line.find(|c: char| {
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        c.is_whitespace() && !quoted
    })?;
    let rest = line[end..].trim_start();
    begins(rest).then_some(rest)
}

/// Reads a line of authorized_keys: perhaps options, key type, key, perhaps a comment.
pub(in crate::config) fn authorized_key(text: &str) -> Result<String, Invalid> {
    const RULE: &str = "write the content of the `.pub` file, as in `ssh-ed25519 AAAA... ops@laptop`";
    let line = text.trim();
    // Never repeat what could be a secret.
    if line.contains("PRIVATE KEY") {
        return Err(Invalid::new("this is a private key", format!("keep it secret, and {RULE}")));
    }
    if line.chars().any(char::is_control) {
        return Err(Invalid::new("more than one line", "write one item for each key"));
    }
    let line_of_key =
        without_options(line).ok_or_else(|| Invalid::new("the line does not begin with a key type", RULE))?;
    let mut words = line_of_key.split_whitespace();
    let kind = words.next().unwrap_or_default();
    if kind == "ssh-dss" {
        return Err(Invalid::new("OpenSSH knows DSA keys no more", "make one with `ssh-keygen -t ed25519`"));
    }
    // Every key begins with the length of its type's name and the name itself, and sshd ignores a line in which the two
    // names differ.
    let key = words.next().unwrap_or_default();
    let blob = STANDARD.decode(key).unwrap_or_default();
    let inner = blob.split_at_checked(4).and_then(|(length, rest)| {
        let length = u32::from_be_bytes(length.try_into().ok()?);
        rest.split_at_checked(usize::try_from(length).ok()?)
    });
    match inner {
        Some((name, rest)) if name == kind.as_bytes() && rest.len() >= LEAST_KEY => {}
        Some((name, _)) if name != kind.as_bytes() && KEY_TYPES.iter().any(|known| known.as_bytes() == name) => {
            let name = String::from_utf8_lossy(name);
            return Err(Invalid::new(format!("the key is of type `{name}`, not `{kind}`"), RULE));
        }
        Some(_) => return Err(Invalid::new(format!("the key after `{kind}` is not complete"), RULE)),
        None => return Err(Invalid::new(format!("no key follows `{kind}`"), RULE)),
    }
    Ok(line.to_owned())
}

pub(super) fn check(subject: &Subject<'_>) {
    let users = &subject.draft.users;
    subject.duplicates(
        Code::DuplicateUser,
        users.iter().map(|user| (user.name.value.as_str(), user.name.span)),
        |name| format!("two users are called `{name}`"),
        "put all keys of a user into one entry",
    );
    for user in users {
        let (name, span) = (user.name.value.as_str(), user.name.span);
        if SYSTEM_USERS.contains(&name) {
            let help = match name {
                "root" => "give a user of your own `sudo: true`",
                _ => "choose another name",
            };
            let message = format!("the user `{name}` belongs to the operating system");
            subject.push(Diagnostic::error(Code::ReservedUser, span, message).help(help));
        } else if BASE_GROUPS.contains(&name) || PACKAGE_GROUPS.contains(&name) {
            let message = format!("`{name}` is a group of the operating system");
            subject.push(Diagnostic::error(Code::ReservedUser, span, message).help("choose another name"));
        }
    }
}
