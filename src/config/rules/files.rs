//! Extra files: that each path is plain, written once, and not hagen's own.

use super::{Subject, users};
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::config::schema::File;
use crate::config::values::{Invalid, UserName};

/// Directories that hold nothing but what hagen, kubeadm or etcd put there.
const OWNED_DIRECTORIES: &[(&str, &str)] = &[
    ("/etc/hagen", "hagen keeps the node's data there"),
    ("/var/lib/hagen", "hagen keeps its programs and its state there"),
    ("/etc/kubernetes/pki", "the certificates there follow from the secrets file"),
    ("/var/lib/etcd", "etcd keeps its data there"),
    ("/var/lib/cloud", "cloud-init keeps its state there"),
    ("/run", "it is empty after each boot"),
    ("/var/run", "it is empty after each boot"),
    ("/tmp", "it is empty after a boot"),
    ("/dev", "the kernel makes what is there"),
    ("/proc", "the kernel makes what is there"),
    ("/sys", "the kernel makes what is there"),
];

/// Files that the bundle writes, and the key that says what is in them.
const OWNED_FILES: &[(&str, &str)] = &[
    ("/etc/hosts", "it holds the endpoint's name, and is swapped while the cluster forms"),
    ("/etc/hostname", "the host name is `nodes[].name`"),
    ("/etc/containerd/config.toml", "write what to add under `containerd.extraConfig`"),
    ("/etc/chrony/sources.d/hagen.sources", "time servers are `network.ntp`"),
    ("/usr/local/bin/hagen-status", "it is a link to the program that says how far the machine is"),
    ("/opt/bin/hagen-status", "it is a link to the program that says how far the machine is"),
    ("/etc/sudoers.d/90-cloud-init-users", "cloud-init writes it for the image's own user; use another file"),
    ("/etc/sudoers.d/90-hagen", "it holds the users with `sudo: true`; use another file"),
    ("/etc/crictl.yaml", "it names containerd's socket"),
    ("/etc/modules-load.d/hagen.conf", "use a file of another name beside it"),
    ("/etc/sysctl.d/90-hagen.conf", "use a file of another name beside it"),
    ("/etc/kubernetes/kube-vip.conf", "it holds kube-vip's own identity"),
    ("/etc/kubernetes/admin.conf", "kubeadm writes it"),
    ("/etc/kubernetes/super-admin.conf", "kubeadm writes it"),
    ("/etc/kubernetes/controller-manager.conf", "kubeadm writes it"),
    ("/etc/kubernetes/scheduler.conf", "kubeadm writes it"),
    ("/etc/kubernetes/kubelet.conf", "kubeadm writes it"),
    ("/etc/kubernetes/bootstrap-kubelet.conf", "kubeadm writes it"),
    ("/etc/kubernetes/manifests/kube-vip.yaml", "kube-vip is set up under `endpoint.kubeVip`"),
    ("/etc/kubernetes/manifests/kube-apiserver.yaml", "the API server is set up under `kubernetes.apiServer`"),
    ("/etc/kubernetes/manifests/kube-controller-manager.yaml", "it is set up under `kubernetes.controllerManager`"),
    ("/etc/kubernetes/manifests/kube-scheduler.yaml", "it is set up under `kubernetes.scheduler`"),
    ("/etc/kubernetes/manifests/etcd.yaml", "etcd is set up under `etcd`"),
    ("/var/lib/kubelet/config.yaml", "the kubelet is set up under `kubernetes.kubelet`"),
    ("/var/lib/kubelet/kubeadm-flags.env", "the kubelet's flags are `kubeletExtraArgs`"),
    ("/etc/systemd/system/multi-user.target.wants/hagen-firstboot.service", "it starts the first boot"),
    ("/etc/netplan/50-cloud-init.yaml", "cloud-init writes it from the network of the document"),
    ("/etc/passwd", "accounts are `users`"),
    ("/etc/shadow", "accounts are `users`"),
    ("/etc/group", "accounts are `users`"),
    ("/etc/gshadow", "accounts are `users`"),
    ("/etc/subuid", "accounts are `users`"),
    ("/etc/subgid", "accounts are `users`"),
    ("/etc/cloud/cloud-init.disabled", "hagen writes it when the machine is complete"),
];

/// How the paths of hagen's own files begin in folders that others use as well.
const OWNED_PREFIXES: &[(&str, &str)] = &[
    ("/etc/systemd/system/hagen-", "hagen keeps its units there"),
    ("/etc/systemd/network/10-hagen-", "the network is `nodes[].network`"),
    ("/etc/NetworkManager/system-connections/hagen-", "the network is `nodes[].network`"),
];

/// Reads an absolute path without detours.
pub(in crate::config) fn plain_path(text: &str) -> Result<String, Invalid> {
    const RULE: &str = "write an absolute path, as in `/etc/motd`";
    if !text.starts_with('/') {
        return Err(Invalid::new(format!("`{text}` is not an absolute path"), RULE));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new(format!("`{}` contains a control character", text.escape_debug()), RULE));
    }
    let parts: Vec<&str> = text.split('/').skip(1).collect();
    if let Some(part) = parts.iter().find(|part| matches!(**part, "." | "..")) {
        return Err(Invalid::new(format!("`{text}` contains `{part}`"), "write the path without detours"));
    }
    if text.len() == 1 {
        return Err(Invalid::new("`/` is the root, not a file", RULE));
    }
    if parts.iter().any(|part| part.is_empty()) {
        let plain: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        return Err(Invalid::new(format!("`{text}` has a slash too many"), format!("write `/{}`", plain.join("/"))));
    }
    if text.len() > 4095 || parts.iter().any(|part| part.len() > 255) {
        return Err(Invalid::new("the path is too long", "Linux allows 255 bytes for each part and 4095 in all"));
    }
    Ok(text.to_owned())
}

/// Reads `user:group`, both names: cloud-init looks numbers up as names, and gives up.
pub(in crate::config) fn owner(text: &str) -> Result<String, Invalid> {
    let good = |part: &str| part.parse::<UserName>().is_ok();
    match text.split_once(':') {
        Some((user, group)) if good(user) && good(group) => Ok(text.to_owned()),
        _ => Err(Invalid::new(format!("`{text}` is not an owner"), "write `user:group`, as in `root:root`")),
    }
}

pub(super) fn check(subject: &Subject<'_>) {
    let files = &subject.draft.files;
    list(subject, files, &[]);
    for (node, _) in subject.nodes() {
        list(subject, &node.files, files);
    }
}

/// Who owns a path, if not the user.
fn owner_of(subject: &Subject<'_>, path: &str) -> Option<&'static str> {
    if let Some((_, help)) = OWNED_PREFIXES.iter().find(|(prefix, _)| path.starts_with(prefix)) {
        return Some(help);
    }
    if path.starts_with("/etc/systemd/") && path.ends_with(".d/10-hagen.conf") {
        return Some("use a drop-in of another name beside it");
    }
    // Some systems have no folder for it; who names no server there may have a file of their own.
    if path == "/etc/chrony.conf" && !subject.draft.network.ntp.is_empty() {
        return Some("time servers are `network.ntp`");
    }
    let inside =
        |directory: &str| path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let directory = OWNED_DIRECTORIES.iter().find(|(directory, _)| inside(directory));
    directory.or_else(|| OWNED_FILES.iter().find(|(file, _)| *file == path)).map(|(_, help)| *help)
}

/// Whether `inner` is below `outer`, were that a folder.
pub(super) fn below(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'))
}

/// Which file of hagen's cannot be beside this path.
fn conflict(path: &str) -> Option<&'static str> {
    let owned = OWNED_DIRECTORIES.iter().chain(OWNED_FILES).chain(OWNED_PREFIXES).map(|(owned, _)| *owned);
    owned
        .into_iter()
        .find(|owned| below(owned, path))
        .or_else(|| OWNED_FILES.iter().map(|(owned, _)| *owned).find(|owned| below(path, owned)))
}

/// Users and groups that are sure to be there, and keys that cloud-init writes itself.
fn accounts(subject: &Subject<'_>, file: &File) {
    if let Some(owner) = &file.owner
        && let Some((user, group)) = owner.split_once(':')
    {
        let unknown =
            [(!users::has_user(subject, user), "user", user), (!users::has_group(subject, group), "group", group)];
        for (_, what, name) in unknown.iter().filter(|(unknown, ..)| *unknown) {
            let message = format!("no machine is sure to have the {what} `{name}`");
            subject
                .push(Diagnostic::error(Code::UnknownOwner, owner.span, message).help("use root, or one of `users`"));
        }
    }
    let path = file.path.as_str();
    if subject.draft.users.iter().any(|user| path == format!("/home/{}/.ssh/authorized_keys", user.name)) {
        let message = format!("`{path}` is not yours to write");
        subject.push(
            Diagnostic::error(Code::OwnedPath, file.path.span, message).help("keys are `users[].sshAuthorizedKeys`"),
        );
    }
}

/// `others` are files of the same machines that this list may replace, but not contradict.
fn list(subject: &Subject<'_>, files: &[File], others: &[File]) {
    subject.duplicates(
        Code::DuplicateFile,
        files.iter().map(|file| (file.path.value.as_str(), file.path.span)),
        |path| format!("`{path}` is written twice"),
        "keep one of the two",
    );
    for file in files {
        let (path, span) = (file.path.value.as_str(), file.path.span);
        if let Some(folder) = files.iter().chain(others).find(|other| below(path, &other.path.value)) {
            let message = format!("`{path}` cannot be written: `{}` is a file", folder.path);
            subject.push(
                Diagnostic::error(Code::PathConflict, span, message)
                    .also(folder.path.span, "this file")
                    .help("rename one of the two"),
            );
        }
        for other in others.iter().filter(|other| below(&other.path.value, path)) {
            let message = format!("`{path}` cannot be written: it is the folder of `{}`", other.path);
            subject.push(
                Diagnostic::error(Code::PathConflict, span, message)
                    .also(other.path.span, "this file")
                    .help("rename one of the two"),
            );
        }
        accounts(subject, file);
        if let Some(owned) = conflict(path) {
            let message = format!("`{path}` cannot be beside `{owned}`");
            subject.push(Diagnostic::error(Code::PathConflict, span, message).help("choose another path"));
        }
        if let Some(help) = owner_of(subject, path) {
            let message = format!("`{path}` is not yours to write");
            subject.push(Diagnostic::error(Code::OwnedPath, span, message).help(help));
        }
    }
}
