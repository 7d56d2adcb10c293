//! Leaf values of the document, parsed once at the edge: a value of these types cannot be invalid.
//!
//! In: the text of one scalar. Out: a typed value, or an [`Invalid`] that says what is wrong and what is right.
//! Limits come from RFC 1123 (names), Kubernetes' apimachinery validation (labels), Linux (interfaces),
//! Go's `time.ParseDuration` (durations) and shadow's `useradd` (user names).

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;

/// Why a text is not a value of the wanted type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; {help}")]
pub struct Invalid {
    /// What is wrong, as one sentence without a full stop.
    pub problem: String,
    /// What would be right.
    pub help: String,
}

impl Invalid {
    /// An error from what is wrong and what would be right.
    pub fn new(problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self { problem: problem.into(), help: help.into() }
    }
}

/// Gives a newtype over `String` its accessors; the type's own `FromStr` is the only way in.
macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The text, normalised.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

/// Longest RFC 1123 label, and longest value of a Kubernetes label.
const LABEL_LIMIT: usize = 63;
/// Longest RFC 1123 subdomain that Kubernetes accepts.
const SUBDOMAIN_LIMIT: usize = 253;

/// Checks one RFC 1123 label; `what` names the thing in messages.
fn check_dns_label(what: &str, text: &str) -> Result<(), Invalid> {
    const RULE: &str = "use lower-case letters, digits and `-`, beginning and ending with a letter or digit";
    if text.is_empty() {
        return Err(Invalid::new(format!("{what} is empty"), RULE));
    }
    if text.len() > LABEL_LIMIT {
        return Err(Invalid::new(
            format!("{what} `{text}` has {} characters", text.chars().count()),
            format!("at most {LABEL_LIMIT} are allowed: the name is also the value of a Kubernetes label"),
        ));
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '-')) {
        let lower = text.to_lowercase();
        let help = if bad.is_ascii_uppercase() && check_dns_label(what, &lower).is_ok() {
            format!("write `{lower}`: names are lower-case (RFC 1123)")
        } else {
            RULE.to_owned()
        };
        return Err(Invalid::new(format!("{what} `{text}` must not contain `{}`", bad.escape_debug()), help));
    }
    if text.starts_with('-') || text.ends_with('-') {
        return Err(Invalid::new(format!("{what} `{text}` begins or ends with `-`"), RULE));
    }
    Ok(())
}

/// Checks an RFC 1123 subdomain that cannot be mistaken for an IPv4 address.
fn check_dns_name(what: &str, text: &str) -> Result<(), Invalid> {
    const RULE: &str = "use labels of lower-case letters, digits and `-`, joined by dots, as in `api.prod.internal`";
    if text.is_empty() {
        return Err(Invalid::new(format!("{what} is empty"), RULE));
    }
    if text.len() > SUBDOMAIN_LIMIT {
        return Err(Invalid::new(
            format!("{what} has {} characters", text.chars().count()),
            format!("at most {SUBDOMAIN_LIMIT} are allowed"),
        ));
    }
    if text.ends_with('.') {
        return Err(Invalid::new(format!("{what} `{text}` ends with a dot"), "leave the last dot away"));
    }
    for label in text.split('.') {
        if label.is_empty() {
            return Err(Invalid::new(format!("{what} `{text}` has an empty label"), RULE));
        }
        if check_dns_label(what, label).is_err() {
            let lower = text.to_lowercase();
            if lower != text && lower.split('.').all(|label| check_dns_label(what, label).is_ok()) {
                return Err(Invalid::new(
                    format!("{what} `{text}` has upper-case letters"),
                    format!("write `{lower}`"),
                ));
            }
            return Err(Invalid::new(format!("{what} `{text}` has a wrong label: `{label}`"), RULE));
        }
    }
    // RFC 1123 section 2.1: the last label of a name is never numeric, so this is a mistyped address.
    if text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit())) {
        return Err(Invalid::new(
            format!("{what} `{text}` looks like an IPv4 address, but is none"),
            "an IPv4 address has four numbers from 0 to 255; the last label of a DNS name is not a number",
        ));
    }
    Ok(())
}

text_value! {
    /// `name`: an RFC 1123 label.
    ClusterName
}

impl FromStr for ClusterName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        check_dns_label("cluster name", text)?;
        Ok(Self(text.to_owned()))
    }
}

text_value! {
    /// A machine's host name and Node name: an RFC 1123 label.
    ///
    /// Kubernetes would allow dots; a host name that is one label keeps `hostname`, `/etc/hosts` and certificates
    /// free of the question whether the domain belongs to it.
    NodeName
}

impl FromStr for NodeName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.contains('.') {
            return Err(Invalid::new(
                format!("node name `{text}` contains a dot"),
                format!("use one label, as in `{}`", text.split('.').next().unwrap_or_default().to_lowercase()),
            ));
        }
        check_dns_label("node name", text)?;
        Ok(Self(text.to_owned()))
    }
}

text_value! {
    /// A DNS name: an RFC 1123 subdomain of at most 253 characters, lower-case, without a last dot.
    DnsName
}

impl DnsName {
    /// `cluster.local`, kubeadm's own default for `dnsDomain`.
    pub fn cluster_local() -> Self {
        Self("cluster.local".to_owned())
    }
}

impl FromStr for DnsName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.parse::<IpAddr>().is_ok() {
            return Err(Invalid::new(format!("`{text}` is an address"), "a DNS name is wanted here"));
        }
        check_dns_name("DNS name", text)?;
        Ok(Self(text.to_owned()))
    }
}

text_value! {
    /// The name of a network interface. Linux' `dev_valid_name` allows nearly anything; this is what systemd, netplan
    /// and NetworkManager take as a name as well, and not as a pattern, a number or a word of their own.
    InterfaceName
}

impl InterfaceName {
    /// `vmbr0`, the bridge that Proxmox' installer makes.
    pub fn vmbr0() -> Self {
        Self("vmbr0".to_owned())
    }
}

impl FromStr for InterfaceName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        const RULE: &str = "use 1 to 15 letters, digits, `-`, `_` and `.`, as in `eth0` or `enp1s0`";
        if text.is_empty() {
            return Err(Invalid::new("interface name is empty", RULE));
        }
        if text.len() > 15 {
            return Err(Invalid::new(format!("interface name `{text}` has {} characters", text.chars().count()), RULE));
        }
        if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))) {
            return Err(Invalid::new(
                format!("interface name `{text}` must not contain `{}`", bad.escape_debug()),
                RULE,
            ));
        }
        if matches!(text, "." | ".." | "all" | "default") {
            return Err(Invalid::new(format!("`{text}` is not an interface name"), RULE));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Invalid::new(format!("`{text}` is the number of an interface, not a name"), RULE));
        }
        Ok(Self(text.to_owned()))
    }
}

text_value! {
    /// A unicast MAC address: lower-case hex, joined by colons.
    MacAddress
}

impl FromStr for MacAddress {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        const RULE: &str = "write six pairs of hex digits, as in `52:54:00:00:00:0b`";
        let wrong = || Invalid::new(format!("`{text}` is not a MAC address"), RULE);
        let normal = text.replace('-', ":").to_ascii_lowercase();
        let pairs: Vec<&str> = normal.split(':').collect();
        if pairs.len() != 6 {
            return Err(Invalid::new(
                format!("`{text}` is not a MAC address: it has {} of 6 parts", pairs.len()),
                RULE,
            ));
        }
        let mut octets = [0_u8; 6];
        for (octet, pair) in octets.iter_mut().zip(&pairs) {
            if pair.len() != 2 || !pair.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(Invalid::new(format!("`{text}` is not a MAC address: `{pair}` is no hex pair"), RULE));
            }
            *octet = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        if octets == [0; 6] {
            return Err(Invalid::new("MAC address is all zeros", "give the address of the machine's interface"));
        }
        if octets[0] & 1 == 1 {
            return Err(Invalid::new(
                format!("`{text}` is a multicast MAC address"),
                "an interface's own address has an even first octet, as in `52:54:00:00:00:0b`",
            ));
        }
        Ok(Self(normal))
    }
}

text_value! {
    /// A machine's UUID as its SMBIOS has it: lower-case.
    MachineUuid
}

impl FromStr for MachineUuid {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        const RULE: &str =
            "write it as iPXE and `dmidecode -s system-uuid` do, as in `4c4c4544-0036-5410-8043-b8c04f4a4c33`";
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        let digits = |c: char| c.is_ascii_hexdigit() || c == '-';
        if lengths != [8, 4, 4, 4, 12] || !text.chars().all(digits) {
            return Err(Invalid::new(format!("`{text}` is not a UUID"), RULE));
        }
        if text.chars().all(|c| matches!(c, '0' | '-')) {
            return Err(Invalid::new("UUID is all zeros", "this machine has none; give its `mac` instead"));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

/// Where an HTTP server answers, and below which path: without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl {
    text: String,
    host: String,
    port: u16,
}

impl BaseUrl {
    /// The whole.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A name, or an address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Its port, which may be the scheme's own.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Whether any server that knows neither TLS nor paths can answer there.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.text.strip_prefix("http://").is_some_and(|rest| !rest.contains('/'))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.text)
    }
}

impl FromStr for BaseUrl {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = |why: &str| {
            Invalid::new(
                format!("`{text}` is not the address of an HTTP server: {why}"),
                "write scheme, host and perhaps port and path, as in `http://10.9.0.2` or `http://10.9.0.2:8080/pxe`",
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        let own_port = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return Err(wrong("its scheme is neither `http` nor `https`")),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '/');
        if !path.chars().all(good) || path.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(wrong("its path has parts that not every program reads alike"));
        }
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':').or(port.is_empty().then_some(""))),
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, Some("")),
            },
        };
        let host_is_good = match host.parse::<IpAddr>() {
            Ok(address) => address.is_ipv6() == authority.starts_with('['),
            Err(_) => !authority.starts_with('[') && host.parse::<DnsName>().is_ok(),
        };
        if !host_is_good {
            return Err(wrong("its host is neither a name nor an address"));
        }
        let port = match port {
            Some("") if !authority.ends_with(':') => own_port,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().ok().filter(|port| *port > 0).ok_or_else(|| wrong("its port is no port"))?
            }
            _ => return Err(wrong("its port is no port")),
        };
        let slash = if path.is_empty() { "" } else { "/" };
        Ok(Self { text: format!("{scheme}://{authority}{slash}{path}"), host: host.to_owned(), port })
    }
}

/// An exact Kubernetes release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KubernetesVersion {
    /// `1` in 1.36.3.
    pub major: u32,
    /// `36` in 1.36.3.
    pub minor: u32,
    /// `3` in 1.36.3.
    pub patch: u32,
}

impl KubernetesVersion {
    /// The one that examples show.
    pub const NEWEST: Self = Self { major: 1, minor: 36, patch: 3 };
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for KubernetesVersion {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        const RULE: &str = "write the exact release, as in `1.36.3`";
        let bare = text.strip_prefix('v').unwrap_or(text);
        let parts: Vec<&str> = bare.split('.').collect();
        let number = |part: &str| {
            let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            let canonical = plain && (part == "0" || !part.starts_with('0'));
            canonical.then(|| part.parse::<u32>().ok()).flatten()
        };
        if bare.starts_with(|c: char| c.is_ascii_digit()) && bare.contains(['-', '+']) {
            return Err(Invalid::new(format!("`{text}` is not a release but a pre-release or a build"), RULE));
        }
        match parts.as_slice() {
            [major, minor, patch] => match (number(major), number(minor), number(patch)) {
                (Some(major), Some(minor), Some(patch)) => Ok(Self { major, minor, patch }),
                _ => Err(Invalid::new(format!("`{text}` is not a Kubernetes version"), RULE)),
            },
            [major, minor] if number(major).is_some() && number(minor).is_some() => Err(Invalid::new(
                format!("Kubernetes version `{text}` has no patch number"),
                "a bundle pins the exact release: write all three numbers, as in `1.36.3`",
            )),
            _ if text.starts_with("stable") || text.starts_with("latest") => Err(Invalid::new(
                format!("`{text}` is not an exact version: kubeadm would ask the Internet for it"),
                RULE,
            )),
            _ => Err(Invalid::new(format!("`{text}` is not a Kubernetes version"), RULE)),
        }
    }
}

/// A length of time in Go's syntax, never negative.
///
/// `Display` writes what Go's `Duration.String` would, so kubeadm prints the same text back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(Duration);

impl GoDuration {
    /// So many seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The length of time.
    pub const fn as_duration(&self) -> Duration {
        self.0
    }

    /// Whether it is no time at all.
    pub const fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
}

/// A number of bytes, from one on: `16384`, `16KiB`, `1MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    /// In bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        match self.0 {
            bytes if bytes % MIB == 0 => write!(formatter, "{} MiB", bytes / MIB),
            bytes if bytes % KIB == 0 => write!(formatter, "{} KiB", bytes / KIB),
            bytes => write!(formatter, "{bytes} bytes"),
        }
    }
}

impl FromStr for ByteSize {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let unit = match unit {
            "" => Some(1),
            "KiB" => Some(1 << 10),
            "MiB" => Some(1 << 20),
            _ => None,
        };
        let bytes = number.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
        bytes.filter(|bytes| *bytes > 0).map(Self).ok_or_else(|| {
            Invalid::new(format!("`{text}` is not a size"), "write bytes, `KiB` or `MiB`, as in `16KiB` or `1MiB`")
        })
    }
}

impl FromStr for GoDuration {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        const RULE: &str = "use Go's units `h`, `m`, `s`, `ms`, `us`, `ns`, as in `168h`, `1h30m` or `500ms`";
        let wrong = |why: &str| Invalid::new(format!("`{text}` is not a duration: {why}"), RULE);
        if text == "0" {
            return Ok(Self(Duration::ZERO));
        }
        if text.is_empty() {
            return Err(Invalid::new("duration is empty", RULE));
        }
        if text.starts_with('-') {
            return Err(wrong("it is negative"));
        }
        let mut rest = text.strip_prefix('+').unwrap_or(text);
        if rest.is_empty() {
            return Err(wrong("it has no number"));
        }
        let mut total: u128 = 0;
        while !rest.is_empty() {
            let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            let (number, after) = rest.split_at(number_end);
            let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
            let (unit, next) = after.split_at(unit_end);
            rest = next;
            let unit_length: u128 = match unit {
                "ns" => 1,
                "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
                "ms" => 1_000_000,
                "s" => 1_000_000_000,
                "m" => 60 * 1_000_000_000,
                "h" => 3_600 * 1_000_000_000,
                "" => return Err(wrong("a number has no unit")),
                "d" | "w" | "y" => return Err(wrong(&format!("Go has no unit `{unit}`; a day is `24h`"))),
                _ => return Err(wrong(&format!("`{unit}` is no unit"))),
            };
            let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
            if whole.is_empty() && fraction.is_empty() {
                return Err(wrong("a unit has no number"));
            }
            if fraction.contains('.') {
                return Err(wrong(&format!("`{number}` is no number")));
            }
            // Longer numbers are no durations that Go's int64 of nanoseconds could hold.
            if whole.len() > 19 || fraction.len() > 18 {
                return Err(wrong("it is too long"));
            }
            let digits = |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<u128>() };
            let whole = digits(whole).map_err(|_| wrong("it has no number"))?;
            let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
            let fraction = digits(fraction).map_err(|_| wrong("it has no number"))?;
            total += whole * unit_length + fraction * unit_length / scale;
            if total > i64::MAX as u128 {
                return Err(wrong("it is too long"));
            }
        }
        Ok(Self(Duration::from_nanos(u64::try_from(total).map_err(|_| wrong("it is too long"))?)))
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// A number with a decimal fraction of `digits` places, without trailing zeros.
        fn decimal(value: u64, scale: u64, digits: usize) -> String {
            let text = format!("{}.{:0digits$}", value / scale, value % scale);
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        let seconds = self.0.as_secs();
        let nanos = self.0.subsec_nanos();
        if seconds == 0 {
            let nanos = u64::from(nanos);
            return match nanos {
                0 => formatter.write_str("0s"),
                1..1_000 => write!(formatter, "{nanos}ns"),
                1_000..1_000_000 => write!(formatter, "{}\u{b5}s", decimal(nanos, 1_000, 3)),
                _ => write!(formatter, "{}ms", decimal(nanos, 1_000_000, 6)),
            };
        }
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        if hours > 0 {
            write!(formatter, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(formatter, "{minutes}m")?;
        }
        write!(formatter, "{}s", decimal(seconds % 60 * 1_000_000_000 + u64::from(nanos), 1_000_000_000, 9))
    }
}

/// Permission bits of a file; `Display` writes four octal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileMode(u32);

impl FileMode {
    /// `0644`.
    pub const READABLE: Self = Self(0o644);
    /// `0600`.
    pub const PRIVATE: Self = Self(0o600);
    /// `0755`.
    pub const EXECUTABLE: Self = Self(0o755);

    /// The bits, at most `0o7777`.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl fmt::Display for FileMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:04o}", self.0)
    }
}

impl FromStr for FileMode {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        const RULE: &str = "write three or four octal digits, as in `0644` or `0755`";
        let decimal = text.parse::<u32>().ok().filter(|_| text.len() == 3 && !text.starts_with('0'));
        if let Some(bits) = decimal.filter(|bits| matches!(bits, 384 | 420 | 436 | 448 | 493)) {
            return Err(Invalid::new(
                format!("file mode `{text}` is decimal"),
                format!("write it in octal: `{bits:04o}`"),
            ));
        }
        if let Some(octal) = text.strip_prefix("0o") {
            return Err(Invalid::new(format!("file mode `{text}` has a prefix"), format!("write `0{octal}`")));
        }
        let octal = text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        if !(3..=4).contains(&text.len()) || !octal {
            return Err(Invalid::new(format!("`{text}` is not a file mode"), RULE));
        }
        let bits =
            u32::from_str_radix(text, 8).map_err(|_| Invalid::new(format!("`{text}` is not a file mode"), RULE))?;
        // cloud-init sets the mode before the owner, and chown(2) clears both bits.
        if bits & 0o6000 != 0 {
            return Err(Invalid::new(
                format!("file mode `{text}` has setuid or setgid, which no first boot delivers"),
                "put such a program into the image, or into a package",
            ));
        }
        Ok(Self(bits))
    }
}

/// Checks the name part of a label's key, or a label's value.
fn check_label_text(what: &str, text: &str) -> Result<(), Invalid> {
    const RULE: &str = "use letters, digits, `-`, `_` and `.`, beginning and ending with a letter or digit";
    if text.len() > LABEL_LIMIT {
        return Err(Invalid::new(
            format!("{what} `{text}` has {} characters", text.chars().count()),
            format!("at most {LABEL_LIMIT} are allowed"),
        ));
    }
    if let Some(bad) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))) {
        return Err(Invalid::new(format!("{what} `{text}` must not contain `{}`", bad.escape_debug()), RULE));
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !edge(text.chars().next()) || !edge(text.chars().last()) {
        return Err(Invalid::new(format!("{what} `{text}` begins or ends with a sign"), RULE));
    }
    Ok(())
}

text_value! {
    /// The key of a Kubernetes label or taint: a name, with a DNS prefix or without.
    LabelKey
}

impl LabelKey {
    /// The prefix before the slash.
    pub fn prefix(&self) -> Option<&str> {
        self.0.split_once('/').map(|(prefix, _)| prefix)
    }

    /// The name after the slash, or all of it.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(_, name)| name)
    }
}

impl FromStr for LabelKey {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let (prefix, name) = match text.split_once('/') {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, text),
        };
        if let Some(prefix) = prefix {
            check_dns_name("label prefix", prefix)?;
        }
        if name.is_empty() {
            return Err(Invalid::new(format!("label key `{text}` has no name"), "write `name` or `prefix/name`"));
        }
        if name.contains('/') {
            return Err(Invalid::new(format!("label key `{text}` has two slashes"), "write `name` or `prefix/name`"));
        }
        check_label_text("label key", name)?;
        Ok(Self(text.to_owned()))
    }
}

text_value! {
    /// The value of a Kubernetes label or taint; may be empty.
    LabelValue
}

impl FromStr for LabelValue {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if !text.is_empty() {
            check_label_text("label value", text)?;
        }
        Ok(Self(text.to_owned()))
    }
}

text_value! {
    /// A user account's name, as `useradd` accepts it.
    UserName
}

impl FromStr for UserName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        const RULE: &str = "use up to 32 lower-case letters, digits, `-` and `_`, beginning with a letter or `_`";
        if text.is_empty() {
            return Err(Invalid::new("user name is empty", RULE));
        }
        if text.len() > 32 {
            return Err(Invalid::new(format!("user name `{text}` has {} characters", text.chars().count()), RULE));
        }
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if let Some(bad) = text.chars().find(|c| !good(*c)) {
            return Err(Invalid::new(format!("user name `{text}` must not contain `{}`", bad.escape_debug()), RULE));
        }
        if !text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') {
            return Err(Invalid::new(format!("user name `{text}` begins with a digit or `-`"), RULE));
        }
        Ok(Self(text.to_owned()))
    }
}

/// A name in the API server's certificate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SubjectAlternativeName {
    /// A DNS name, which may begin with `*.`.
    Dns(String),
    /// An address.
    Ip(IpAddr),
}

impl fmt::Display for SubjectAlternativeName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => formatter.pad(name),
            Self::Ip(address) => fmt::Display::fmt(address, formatter),
        }
    }
}

impl FromStr for SubjectAlternativeName {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Ip(address));
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        if name.contains('*') {
            return Err(Invalid::new(
                format!("`{text}` has a wildcard in the wrong place"),
                "a wildcard is the whole first label, as in `*.prod.internal`",
            ));
        }
        check_dns_name("name", name)?;
        Ok(Self::Dns(text.to_owned()))
    }
}

/// Reads an address without a prefix length.
///
/// # Errors
/// When the text is not one IPv4 or IPv6 address.
pub fn parse_address(text: &str) -> Result<IpAddr, Invalid> {
    let address = text.parse::<IpAddr>().map_err(|_| match text.split_once('/') {
        Some((address, _)) if address.parse::<IpAddr>().is_ok() => {
            Invalid::new(format!("`{text}` has a prefix length"), format!("write the address alone: `{address}`"))
        }
        _ => Invalid::new(format!("`{text}` is not an IP address"), address_help(text)),
    })?;
    refuse_mapped(text, address)
}

/// Reads a machine's address with its prefix length; the host bits are kept.
///
/// # Errors
/// When the text is not an address, a slash and a prefix length.
pub fn parse_interface_address(text: &str) -> Result<IpNet, Invalid> {
    if text.parse::<IpAddr>().is_ok() {
        let length = if text.contains(':') { 64 } else { 24 };
        return Err(Invalid::new(
            format!("address `{text}` has no prefix length"),
            format!("write it with the length of its subnet, as in `{text}/{length}`"),
        ));
    }
    parse_net(text)
}

/// Reads a range whose host bits are zero.
///
/// # Errors
/// When the text is not a range in CIDR notation, or has host bits set.
pub fn parse_range(text: &str) -> Result<IpNet, Invalid> {
    let net = parse_net(text)?;
    if net.addr() != net.network() {
        return Err(Invalid::new(
            format!("range `{text}` has host bits set"),
            format!("write the first address of the range: `{}`", net.trunc()),
        ));
    }
    Ok(net)
}

fn parse_net(text: &str) -> Result<IpNet, Invalid> {
    let Some((address, length)) = text.split_once('/') else {
        return Err(Invalid::new(
            format!("`{text}` is not an address with a prefix length"),
            "write it in CIDR notation, as in `10.9.0.11/24`",
        ));
    };
    let parsed = address
        .parse::<IpAddr>()
        .map_err(|_| Invalid::new(format!("`{address}` is not an IP address"), address_help(address)))?;
    refuse_mapped(address, parsed)?;
    let limit = if parsed.is_ipv4() { 32 } else { 128 };
    let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
    length.parse::<u8>().ok().filter(|_| digits).and_then(|length| IpNet::new(parsed, length).ok()).ok_or_else(|| {
        Invalid::new(
            format!("`/{length}` is not a prefix length"),
            format!("it is a number from 0 to {limit}, as in `{address}/{}`", if limit == 32 { 24 } else { 64 }),
        )
    })
}

fn refuse_mapped(text: &str, address: IpAddr) -> Result<IpAddr, Invalid> {
    match address {
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => Err(Invalid::new(format!("`{text}` is an IPv4 address in IPv6 form"), format!("write `{v4}`"))),
            None => Ok(address),
        },
        IpAddr::V4(_) => Ok(address),
    }
}

/// Says what is wrong with a mistyped address, as far as one can tell.
fn address_help(text: &str) -> String {
    let parts: Vec<&str> = text.split('.').collect();
    let numeric = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if parts.len() >= 2 && parts.iter().all(numeric) {
        if parts.len() != 4 {
            return format!("an IPv4 address has four numbers; this one has {}", parts.len());
        }
        if let Some(part) = parts.iter().find(|part| part.parse::<u8>().is_err()) {
            return format!("each number of an IPv4 address is at most 255; `{part}` is more");
        }
        if let Some(part) = parts.iter().find(|part| part.len() > 1 && part.starts_with('0')) {
            return format!("write `{part}` without the leading zero: some programs would read it as octal");
        }
    }
    "write an address such as `10.9.0.10` or `fd00::10`, not a name".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good<T: FromStr<Err = Invalid> + fmt::Display>(text: &str) -> String {
        text.parse::<T>().unwrap().to_string()
    }

    fn bad<T: FromStr<Err = Invalid> + fmt::Debug>(text: &str) -> Invalid {
        let invalid = text.parse::<T>().unwrap_err();
        assert!(!invalid.problem.is_empty() && !invalid.help.is_empty(), "{text}");
        invalid
    }

    #[test]
    fn names() {
        assert_eq!(good::<ClusterName>("prod-1"), "prod-1");
        for text in ["", "Prod", "-a", "a-", "a.b", "a_b", "gr\u{fc}n", &"a".repeat(64)] {
            bad::<ClusterName>(text);
            bad::<NodeName>(text);
        }
        assert_eq!(bad::<NodeName>("CP1").help, "write `cp1`: names are lower-case (RFC 1123)");
        assert_eq!(good::<NodeName>(&"a".repeat(63)), "a".repeat(63));
        assert_eq!(good::<DnsName>("api.prod.internal"), "api.prod.internal");
        assert_eq!(good::<DnsName>("4you.example"), "4you.example");
        for text in ["", ".", "a..b", "a.", "10.0.0.1", "10.0.0.999", "fd00::1", "*.a", "a b", &"a.".repeat(130)] {
            bad::<DnsName>(text);
        }
        assert_eq!(bad::<DnsName>("API.Prod").help, "write `api.prod`");
    }

    #[test]
    fn interfaces_and_macs() {
        assert_eq!(good::<InterfaceName>("enp1s0.100"), "enp1s0.100");
        for text in ["", "a/b", "eth 0", "eth0:1", "eth*", "abcdefghijklmnop", ".", "..", "all", "17"] {
            bad::<InterfaceName>(text);
        }
        assert_eq!(good::<MacAddress>("52-54-00-AB-CD-EF"), "52:54:00:ab:cd:ef");
        for text in [
            "",
            "525400abcdef",
            "52:54:00:ab:cd",
            "52:54:00:ab:cd:e",
            "5254.00ab.cdef",
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "+2:54:00:ab:cd:ef",
        ] {
            bad::<MacAddress>(text);
        }
    }

    #[test]
    fn urls_and_uuids() {
        for (text, normal, host, port, plain) in [
            ("http://10.9.0.2", "http://10.9.0.2", "10.9.0.2", 80, true),
            ("http://10.9.0.2:8080/", "http://10.9.0.2:8080", "10.9.0.2", 8080, true),
            ("https://boot.example.org/a/b/", "https://boot.example.org/a/b", "boot.example.org", 443, false),
            ("http://boot/pxe", "http://boot/pxe", "boot", 80, false),
            ("http://[fd00::2]:81", "http://[fd00::2]:81", "fd00::2", 81, true),
        ] {
            let url: BaseUrl = text.parse().unwrap();
            assert_eq!((url.as_str(), url.host(), url.port(), url.is_plain()), (normal, host, port, plain));
        }
        for text in [
            "",
            "10.9.0.2",
            "tftp://10.9.0.2",
            "http://",
            "http:///pxe",
            "http://10.9.0.300",
            "http://fd00::2",
            "http://[10.9.0.2]",
            "http://[fd00::2]x",
            "http://boot:",
            "http://boot:0",
            "http://boot:+1",
            "http://user@boot",
            "http://boot/a b",
            "http://boot/../a",
            "http://boot/?a",
            "http://${next-server}",
        ] {
            bad::<BaseUrl>(text);
        }
        let uuid = "4C4C4544-0036-5410-8043-B8C04F4A4C33";
        assert_eq!(good::<MachineUuid>(uuid), uuid.to_lowercase());
        for text in ["", "4c4c4544", "4c4c4544-0036-5410-8043-b8c04f4a4c3g", "00000000-0000-0000-0000-000000000000"] {
            bad::<MachineUuid>(text);
        }
    }

    #[test]
    fn versions() {
        assert_eq!(good::<KubernetesVersion>("v1.36.3"), "1.36.3");
        for text in
            ["1.36", "1", "", "v", "1.36.03", "1.36.3.1", "1.36.x", "stable-1", "1.37.0-rc.1", "1.36.3+k3s1", "+1.3.3"]
        {
            bad::<KubernetesVersion>(text);
        }
        let version = |text: &str| text.parse::<KubernetesVersion>().unwrap();
        assert!(version("1.9.0") < version("1.36.0"));
    }

    #[test]
    fn durations_are_gos() {
        // Left: what Go parses; right: what its `String` writes.
        for (text, canonical) in [
            ("168h", "168h0m0s"),
            ("1h30m", "1h30m0s"),
            ("90s", "1m30s"),
            ("500ms", "500ms"),
            ("1.5s", "1.5s"),
            ("1.5h", "1h30m0s"),
            (".5s", "500ms"),
            ("0", "0s"),
            ("0h", "0s"),
            ("1us", "1\u{b5}s"),
            ("1500ns", "1.5\u{b5}s"),
            ("+1ns", "1ns"),
            ("1h0.5s", "1h0m0.5s"),
        ] {
            assert_eq!(good::<GoDuration>(text), canonical, "{text}");
            assert_eq!(good::<GoDuration>(canonical), canonical, "{canonical}");
        }
        for text in
            ["", "-1h", "1", "h", "1d", "7w", "1h30", "1 h", ".s", "1.2.3s", "9999999h", "+", "99999999999999999999h"]
        {
            bad::<GoDuration>(text);
        }
        assert_eq!("1h30m".parse::<GoDuration>().unwrap().as_duration(), Duration::from_secs(5400));
    }

    #[test]
    fn file_modes() {
        assert_eq!(good::<FileMode>("644"), "0644");
        assert_eq!(good::<FileMode>("1755"), "1755");
        assert_eq!(bad::<FileMode>("420").help, "write it in octal: `0644`");
        assert_eq!(bad::<FileMode>("493").help, "write it in octal: `0755`");
        assert_eq!(bad::<FileMode>("0o600").help, "write `0600`");
        for text in ["", "64", "06444", "0648", "u+x", "-644", "+644", "4755", "2755"] {
            bad::<FileMode>(text);
        }
    }

    #[test]
    fn labels() {
        assert_eq!(good::<LabelKey>("example.com/Rack_1.a"), "example.com/Rack_1.a");
        let key: LabelKey = "topology.kubernetes.io/zone".parse().unwrap();
        assert_eq!((key.prefix(), key.name()), (Some("topology.kubernetes.io"), "zone"));
        for text in ["", "/a", "a/", "a/b/c", "Example.com/a", "-a", "a-", "a b", &"a".repeat(64)] {
            bad::<LabelKey>(text);
        }
        assert_eq!(good::<LabelValue>(""), "");
        for text in ["a b", "-", "\u{e9}", &"a".repeat(64)] {
            bad::<LabelValue>(text);
        }
    }

    #[test]
    fn users_and_alternative_names() {
        assert_eq!(good::<UserName>("_ops-1"), "_ops-1");
        for text in ["", "1st", "Ops", "a b", "a$", &"a".repeat(33)] {
            bad::<UserName>(text);
        }
        let san = |text: &str| text.parse::<SubjectAlternativeName>();
        assert_eq!(san("fd00::1"), Ok(SubjectAlternativeName::Ip("fd00::1".parse().unwrap())));
        assert_eq!(san("*.prod"), Ok(SubjectAlternativeName::Dns("*.prod".to_owned())));
        for text in ["", "*", "a.*", "**.a", "10.9.0", "10.9.0.256", "https://a"] {
            bad::<SubjectAlternativeName>(text);
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(parse_interface_address("10.9.0.11/24").unwrap().to_string(), "10.9.0.11/24");
        assert_eq!(parse_range("fd00::/48").unwrap().to_string(), "fd00::/48");
        assert_eq!(
            parse_range("10.9.0.11/24").unwrap_err().help,
            "write the first address of the range: `10.9.0.0/24`"
        );
        for text in
            ["10.9.0.11", "10.9.0.11/", "10.9.0.11/+8", "10.9.0.11/33", "10.9.0/24", "::ffff:10.9.0.1/120", "cp1/24"]
        {
            parse_interface_address(text).unwrap_err();
        }
        for text in ["", "cp1", "10.9.0.011", "10.9.0.10/24", "::ffff:10.9.0.1", "fe80::1%eth0"] {
            parse_address(text).unwrap_err();
        }
    }
}
