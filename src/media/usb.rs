//! `usb`: usb/stick.iso, one image for all machines, to be written onto a stick as it is. The root of the stick is a seed
//! that has each machine look for its own one among `machines/`, by the MAC addresses of its NICs.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Machine, MediaError, Medium, Site, iso, iso9660};
use crate::format::Tree;
use crate::os::Format;
use crate::secrets::hexadecimal;
use crate::yaml;

/// The medium.
pub const MEDIUM: Medium = Medium { name: "usb", write };

/// What finds a machine's own seed: one command of `bootcmd`.
const TAKE: &str = include_str!("../../templates/usb/take");

/// One that does that and nothing else: without these lists, cloud-init would make its image's user, host keys and more
/// on a machine that is not in the document.
#[derive(Serialize)]
struct CloudConfig {
    cloud_init_modules: [&'static str; 1],
    cloud_config_modules: [&'static str; 0],
    cloud_final_modules: [&'static str; 0],
    bootcmd: [&'static str; 1],
}

#[derive(Serialize)]
struct MetaData {
    #[serde(rename = "instance-id")]
    instance_id: &'static str,
    // In cloud-init's first stage, before anything waits for a network.
    dsmode: &'static str,
}

#[derive(Serialize)]
struct NetworkConfig {
    config: &'static str,
}

fn write(site: &Site<'_>, tree: &mut Tree) -> Result<(), MediaError> {
    let configuration = CloudConfig {
        cloud_init_modules: ["bootcmd"],
        cloud_config_modules: [],
        cloud_final_modules: [],
        bootcmd: [TAKE],
    };
    let user_data = format!("#cloud-config\n{}", yaml::to_string("user-data", &configuration)?);
    let meta_data = yaml::to_string("meta-data", &MetaData { instance_id: "hagen-stick", dsmode: "local" })?;
    let network = yaml::to_string("network-config", &NetworkConfig { config: "disabled" })?;
    let mut files = vec![
        ("user-data".to_owned(), user_data.into_bytes()),
        ("meta-data".to_owned(), meta_data.into_bytes()),
        ("network-config".to_owned(), network.into_bytes()),
    ];
    let before = files.len();
    for machine in &site.machines {
        files.extend(folder(machine));
    }
    if files.len() == before {
        return Err(MediaError::NoMac);
    }
    let files: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), 0o400, content.as_slice())).collect();
    tree.add("usb/stick.iso", iso9660::to_bytes(iso::LABEL, 0o500, &files)?);
    Ok(())
}

/// A machine's own files, with what they must be: a stick may be damaged. None of a machine that cannot be known, or
/// does not look at sticks.
fn folder(machine: &Machine<'_>) -> Vec<(String, Vec<u8>)> {
    let Some(mac) = machine.node.declared.macs().next().filter(|_| machine.node.format == Format::CloudInit) else {
        return Vec::new();
    };
    let folder = format!("machines/{}", mac.as_str().replace(':', "-"));
    let sums: String = machine
        .seed
        .iter()
        .map(|(name, content)| format!("{}  {name}\n", hexadecimal(&Sha256::digest(content))))
        .collect();
    let seed = machine.seed.iter().map(|(name, content)| (*name, content.clone()));
    seed.chain([("SHA256SUMS", sums.into_bytes())])
        .map(|(name, content)| (format!("{folder}/{name}"), content))
        .collect()
}
