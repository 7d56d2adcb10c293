//! Ignition: a bundle as one config.ign of specification 3.3.0, which Ignition 2.11 (2021) and everything newer reads,
//! on Flatcar, Fedora CoreOS, RHEL CoreOS 4.14 and SLE Micro alike.
//!
//! Contents are base64 `data:` URLs, each with the SHA-256 that Ignition compares them with. What gzip makes smaller is
//! compressed inside, for some carriers take no more than 16 KiB; the digest is that of the plain bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::network::{network_manager, networkd};
use super::{Tree, gzip};
use crate::bundle::{Bundle, BundleError, File};
use crate::os::{HOME, NetworkService};
use crate::secrets::hexadecimal;

/// What it is called.
pub const FILE: &str = "config.ign";

const VERSION: &str = "3.3.0";

#[derive(Serialize)]
struct Config<'a> {
    ignition: Version,
    #[serde(skip_serializing_if = "Passwd::is_empty")]
    passwd: Passwd<'a>,
    storage: Storage<'a>,
    systemd: Systemd<'a>,
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

#[derive(Serialize)]
struct Passwd<'a> {
    users: Vec<User<'a>>,
}

impl Passwd<'_> {
    fn is_empty(&self) -> bool {
        self.users.is_empty()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct User<'a> {
    name: &'a str,
    shell: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    ssh_authorized_keys: &'a [String],
}

#[derive(Serialize)]
struct Storage<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    filesystems: Vec<Filesystem>,
    directories: Vec<Directory<'a>>,
    files: Vec<StoredFile<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Filesystem {
    device: &'static str,
    format: &'static str,
    mount_options: [&'static str; 1],
    path: &'static str,
    wipe_filesystem: bool,
}

#[derive(Serialize)]
struct Directory<'a> {
    path: &'a str,
    mode: u32,
}

#[derive(Serialize)]
struct StoredFile<'a> {
    path: &'a str,
    // JSON has no octal numbers.
    mode: u32,
    // Without, a file that the image has already would end the first boot.
    overwrite: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<Name<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<Name<'a>>,
    contents: Contents,
}

#[derive(Serialize)]
struct Name<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Contents {
    #[serde(skip_serializing_if = "Option::is_none")]
    compression: Option<&'static str>,
    source: String,
    verification: Verification,
}

#[derive(Serialize)]
struct Verification {
    hash: String,
}

#[derive(Serialize)]
struct Systemd<'a> {
    units: Vec<Unit<'a>>,
}

#[derive(Serialize)]
struct Unit<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    enabled: bool,
    contents: &'a str,
}

/// Adds config.ign to the folder `root`; returns its name.
///
/// # Errors
/// [`BundleError`] when a value cannot be written.
pub fn encode(tree: &mut Tree, root: &str, bundle: &Bundle<'_>) -> Result<&'static str, BundleError> {
    let hostname = File::of_root("/etc/hostname", 0o644, format!("{}\n", bundle.hostname));
    let network = match (&bundle.network, bundle.system.network) {
        (None, _) => Vec::new(),
        (Some(network), NetworkService::Networkd) => networkd::files(network),
        (Some(network), NetworkService::NetworkManager) => network_manager::files(network),
    };
    let config = Config {
        ignition: Version { version: VERSION },
        passwd: Passwd {
            users: bundle
                .users
                .iter()
                .map(|user| User {
                    name: user.name.as_str(),
                    shell: "/bin/bash",
                    ssh_authorized_keys: &user.ssh_authorized_keys,
                })
                .collect(),
        },
        storage: Storage {
            filesystems: late_homes(bundle).into_iter().collect(),
            directories: bundle
                .directories
                .iter()
                .map(|directory| Directory { path: &directory.path, mode: directory.mode })
                .collect(),
            files: bundle.files.iter().chain([&hostname]).chain(&network).map(stored).collect(),
        },
        systemd: Systemd {
            units: bundle
                .units
                .iter()
                .map(|unit| Unit { name: unit.name, enabled: unit.enabled, contents: unit.content })
                .collect(),
        },
    };
    let mut text = serde_json::to_vec_pretty(&config)?;
    text.push(b'\n');
    tree.add(format!("{root}/{FILE}"), text);
    Ok(FILE)
}

/// A config of one program and the unit that starts it, for a system that is in memory for nothing else.
///
/// # Errors
/// [`serde_json::Error`] when a value cannot be written.
pub fn program(program: &File, unit: &str, contents: &str) -> Result<Vec<u8>, serde_json::Error> {
    let config = Config {
        ignition: Version { version: VERSION },
        passwd: Passwd { users: Vec::new() },
        storage: Storage { filesystems: Vec::new(), directories: Vec::new(), files: vec![stored(program)] },
        systemd: Systemd { units: vec![Unit { name: unit, enabled: true, contents }] },
    };
    let mut text = serde_json::to_vec_pretty(&config)?;
    text.push(b'\n');
    Ok(text)
}

/// Where homes are a subvolume that is mounted later, Ignition has to mount it itself before it makes users, as SUSE's
/// and openSUSE's own documentation of Ignition has it.
fn late_homes(bundle: &Bundle<'_>) -> Option<Filesystem> {
    let needed = !bundle.users.is_empty() && bundle.system.mounted_late.contains(&HOME);
    needed.then_some(Filesystem {
        device: "/dev/disk/by-label/ROOT",
        format: "btrfs",
        mount_options: ["subvol=/@/home"],
        path: HOME,
        wipe_filesystem: false,
    })
}

fn stored(file: &File) -> StoredFile<'_> {
    let (user, group) = match file.owner.split_once(':') {
        Some((user, group)) if file.owner != "root:root" => (Some(Name { name: user }), Some(Name { name: group })),
        _ => (None, None),
    };
    let packed = gzip(&file.content);
    let smaller = packed.len() < file.content.len();
    let bytes = if smaller { &packed } else { &file.content };
    StoredFile {
        path: &file.path,
        mode: file.mode,
        overwrite: true,
        user,
        group,
        contents: Contents {
            compression: smaller.then_some("gzip"),
            source: format!("data:;base64,{}", STANDARD.encode(bytes)),
            verification: Verification { hash: format!("sha256-{}", hexadecimal(&Sha256::digest(&file.content))) },
        },
    }
}
