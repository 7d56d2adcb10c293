//! Media: what carries the bundles to the machines. Each is a small value, one file: what it is called, and what it writes
//! besides the seeds under `nodes/`.
//!
//! A [`Site`] comes in, entries of the [`Tree`] go out.

pub mod iso;
pub mod iso9660;
pub mod libvirt;
pub mod proxmox;
pub mod pxe;
pub mod usb;

use sha2::{Digest, Sha256};

use crate::boot::TemplateError;
use crate::bundle::Bundle;
use crate::cluster::{Cluster, Node};
use crate::format::{Tree, cloud_init, ignition};
use crate::os::Format;
use crate::yaml::YamlError;

/// A medium.
#[derive(Debug, Clone, Copy)]
pub struct Medium {
    /// As in `media` of the document, and `--media`.
    pub name: &'static str,
    /// Adds its files to the tree.
    pub write: fn(&Site<'_>, &mut Tree) -> Result<(), MediaError>,
}

/// Every medium that there is.
pub const MEDIA: [Medium; 5] = [iso::MEDIUM, proxmox::MEDIUM, pxe::MEDIUM, libvirt::MEDIUM, usb::MEDIUM];

/// Why a medium cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// An image cannot hold what it should: a bug.
    #[error(transparent)]
    Iso(#[from] iso9660::IsoError),
    /// A template cannot be filled in: a bug.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// No machine is one of Proxmox'.
    #[error("no node has a VMID; write `proxmox: {{vmidBase: 8000}}`, or `proxmox: {{vmid: 101}}` at single nodes")]
    NoVmid,
    /// Nobody says where machines find what is served.
    #[error("machines do not know where to boot from; write `pxe: {{url: http://10.9.0.2}}`")]
    NoUrl,
    /// No machine can be on a stick.
    #[error("no machine with cloud-init has a MAC address to be known by; write `mac: 52:54:00:00:00:0b` at each node")]
    NoMac,
    /// A document cannot be written: a bug.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// JSON cannot be written: a bug.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// What media are made of.
pub struct Site<'a> {
    /// The cluster.
    pub cluster: &'a Cluster<'a>,
    /// Its machines, in the document's order.
    pub machines: Vec<Machine<'a>>,
}

/// One machine, as whoever makes or boots it sees it.
pub struct Machine<'a> {
    /// The node.
    pub node: &'a Node<'a>,
    /// The hardware address of the NIC that has its address, lower-case with colons: the document's, or one that follows
    /// from the names of cluster and node.
    pub mac: String,
    /// The files of a NoCloud seed, by name. Where Ignition delivers, its config is the user-data, as Ignition's provider
    /// for Proxmox reads it; the others are for who else looks at such a disk.
    pub seed: Vec<(&'static str, Vec<u8>)>,
}

impl<'a> Machine<'a> {
    /// A machine whose seed is in the tree already, below `nodes/`.
    ///
    /// # Errors
    /// [`MediaError`] when a document cannot be written.
    pub fn new(
        cluster: &Cluster<'_>,
        node: &'a Node<'a>,
        bundle: &Bundle<'_>,
        tree: &Tree,
    ) -> Result<Self, MediaError> {
        let content = |file: &str| tree.content(&format!("nodes/{}/{file}", node.name())).unwrap_or_default().to_vec();
        let seed = match node.format {
            Format::CloudInit => cloud_init::FILES.map(|file| (file, content(file))).into(),
            Format::Ignition => vec![
                ("user-data", content(ignition::FILE)),
                ("meta-data", cloud_init::meta_data(bundle)?.into_bytes()),
                // afterburn gives up at a disk of this label without it, and at a network of version 2.
                ("network-config", b"version: 1\nconfig: []\n".to_vec()),
                ("vendor-data", Vec::new()),
            ],
        };
        let declared = node.declared.own_macs().next().map(ToString::to_string);
        Ok(Self { node, mac: declared.unwrap_or_else(|| derived_mac(cluster.name(), node.name())), seed })
    }
}

/// A hardware address for a machine whose document has none: unicast, locally administered, the same at every render.
#[must_use]
pub fn derived_mac(cluster: &str, node: &str) -> String {
    let digest = Sha256::digest(format!("hagen mac\0{cluster}\0{node}"));
    let octets: Vec<String> = digest.iter().take(5).map(|octet| format!("{octet:02x}")).collect();
    format!("02:{}", octets.join(":"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::{DOCUMENT, Shape};

    #[test]
    fn the_document_knows_every_medium() {
        let key = DOCUMENT.iter().find(|key| key.name == "media").unwrap();
        let Shape::List(Shape::Choice { built, .. }) = key.shape else { unreachable!() };
        assert_eq!(*built, MEDIA.map(|medium| medium.name));
    }
}
