//! cloud-init: a bundle as the four files of a NoCloud seed. Works with Debian 12's 22.4 and newer.
//!
//! Text stays text in user-data, as literal blocks; only binary content is base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use std::collections::BTreeSet;

use crate::boot::{self, TemplateError};
use crate::bundle::{Bundle, BundleError, File, unit_path};
use crate::config::schema::User;
use crate::yaml::{self, YamlError};

use super::Tree;
use super::network::netplan;

#[derive(Serialize)]
struct CloudConfig<'a> {
    hostname: &'a str,
    // Red Hat's default is the other way round; kubeadm's node name is the short one.
    prefer_fqdn_over_hostname: bool,
    manage_etc_hosts: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    users: Vec<Account<'a>>,
    bootcmd: [String; 1],
    write_files: Vec<WriteFile<'a>>,
    runcmd: [String; 1],
}

#[derive(Serialize)]
struct Account<'a> {
    name: &'a str,
    shell: &'static str,
    lock_passwd: bool,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    ssh_authorized_keys: &'a [String],
}

#[derive(Serialize)]
struct WriteFile<'a> {
    path: String,
    permissions: String,
    owner: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    // A user of the document exists only in cloud-init's last stage.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    defer: bool,
    content: String,
}

#[derive(Serialize)]
struct MetaData<'a> {
    #[serde(rename = "instance-id")]
    instance_id: &'a str,
    #[serde(rename = "local-hostname")]
    local_hostname: &'a str,
}

/// The files of a seed.
pub const FILES: [&str; 4] = ["user-data", "meta-data", "network-config", "vendor-data"];

/// What names the machine and its first boot.
///
/// # Errors
/// [`YamlError`] when it cannot be written.
pub fn meta_data(bundle: &Bundle<'_>) -> Result<String, YamlError> {
    let meta_data = MetaData { instance_id: &bundle.instance_id, local_hostname: &bundle.hostname };
    yaml::to_string("meta-data", &meta_data)
}

/// Adds user-data, meta-data, network-config and vendor-data to the folder `root`; returns the name of the first.
///
/// # Errors
/// [`BundleError`] when a value cannot be written.
pub fn encode(tree: &mut Tree, root: &str, bundle: &Bundle<'_>) -> Result<&'static str, BundleError> {
    let [name, ..] = FILES;
    let configuration = yaml::to_string("user-data", &cloud_config(bundle)?)?;
    tree.add(format!("{root}/{name}"), format!("#cloud-config\n{configuration}"));
    tree.add(format!("{root}/meta-data"), meta_data(bundle)?);
    let network = match &bundle.network {
        Some(network) => netplan::network_config(network)?,
        // Empty, not missing: over HTTP cloud-init would try again and again.
        None => String::new(),
    };
    tree.add(format!("{root}/network-config"), network);
    tree.add(format!("{root}/vendor-data"), "#cloud-config\n{}\n");
    Ok(name)
}

fn cloud_config<'a>(bundle: &'a Bundle<'_>) -> Result<CloudConfig<'a>, TemplateError> {
    let units = bundle.units.iter().map(|unit| WriteFile {
        path: unit_path(unit),
        permissions: "0644".to_owned(),
        owner: "root:root",
        encoding: None,
        defer: false,
        content: unit.content.to_owned(),
    });
    Ok(CloudConfig {
        hostname: &bundle.hostname,
        prefer_fqdn_over_hostname: false,
        manage_etc_hosts: false,
        users: bundle
            .users
            .iter()
            .map(|user| Account {
                name: user.name.as_str(),
                shell: "/bin/bash",
                lock_passwd: true,
                ssh_authorized_keys: &user.ssh_authorized_keys,
            })
            .collect(),
        bootcmd: [boot_command(bundle)?],
        write_files: bundle.files.iter().map(|file| write_file(file, bundle.users)).chain(units).collect(),
        // Only the last command's exit code counts, so there is one; it must not wait for the boot that it is part of.
        runcmd: [format!("systemctl daemon-reload && systemctl enable --now --no-block {}", boot::FIRST_BOOT_UNIT)],
    })
}

fn boot_command(bundle: &Bundle<'_>) -> Result<String, TemplateError> {
    #[derive(Serialize)]
    struct Values<'a> {
        parents: BTreeSet<&'a str>,
        directories: Vec<Folder<'a>>,
    }
    #[derive(Serialize)]
    struct Folder<'a> {
        path: &'a str,
        mode: String,
    }
    let directories = bundle
        .directories
        .iter()
        .map(|directory| Folder { path: &directory.path, mode: format!("{:04o}", directory.mode) })
        .collect();
    // cloud-init 25.1 gives new folders to the file's owner, 22.4 to root. A home is useradd's to make.
    let parents = bundle
        .files
        .iter()
        .filter(|file| file.owner != "root:root" && !in_home(file, bundle.users))
        .filter_map(|file| file.path.rsplit_once('/').map(|(parent, _)| parent))
        .collect();
    boot::render("cloud-init/bootcmd", &Values { parents, directories })
}

/// Whether a file lies in the home of a user that cloud-init makes.
fn in_home(file: &File, users: &[User]) -> bool {
    users.iter().any(|user| file.path.starts_with(&format!("/home/{}/", user.name)))
}

fn write_file<'a>(file: &'a File, users: &[User]) -> WriteFile<'a> {
    let text = std::str::from_utf8(&file.content).ok().filter(|text| readable(text));
    WriteFile {
        path: file.path.clone(),
        permissions: format!("{:04o}", file.mode),
        owner: &file.owner,
        encoding: text.is_none().then_some("b64"),
        defer: file.owner != "root:root" || in_home(file, users),
        content: text.map_or_else(|| STANDARD.encode(&file.content), str::to_owned),
    }
}

/// Whether a text survives YAML 1.1 and people's editors as it is.
fn readable(text: &str) -> bool {
    text.chars().all(|c| {
        c == '\n' || c == '\t' || !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{85}')
    })
}
