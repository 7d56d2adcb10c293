//! Media: what carries the bundles to the machines. Each is a small value, one file: what it is called, what it is for,
//! and what it writes besides `nodes/`.
//!
//! A [`Site`] comes in, entries of the [`Tree`] go out.

pub mod proxmox;

use sha2::{Digest, Sha256};

use crate::boot::TemplateError;
use crate::cluster::{Cluster, Node};
use crate::format::Tree;

/// A medium.
#[derive(Debug, Clone, Copy)]
pub struct Medium {
    /// As in `media` of the document, and `--media`.
    pub name: &'static str,
    /// What it is for, in a line.
    pub about: &'static str,
    /// Adds its files to the tree, in which the seeds are already.
    pub write: fn(&Site<'_>, &mut Tree) -> Result<(), MediaError>,
}

/// Every medium that there is.
pub const MEDIA: [Medium; 1] = [proxmox::MEDIUM];

/// Why a medium cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// A template cannot be filled in.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A medium needs a seed that is not in the tree: a bug.
    #[error("{0} is missing")]
    NoSeed(String),
    /// No machine is one of Proxmox'.
    #[error("no node has a VMID; write `proxmox: {{vmidBase: 8000}}`, or `proxmox: {{vmid: 101}}` at single nodes")]
    NoVmid,
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
    /// The hardware address of its first NIC, lower-case with colons: the document's, or one that follows from the names
    /// of cluster and node.
    pub mac: String,
    /// The files of its seed below `nodes/NAME/`: user-data and its companions, or config.ign.
    pub seed: &'static [&'static str],
}

/// A hardware address for a machine whose document has none: unicast, locally administered, the same at every render.
#[must_use]
pub fn derived_mac(cluster: &str, node: &str) -> String {
    let digest = Sha256::digest(format!("hagen mac\0{cluster}\0{node}"));
    let octets: Vec<String> = digest.iter().take(5).map(|octet| format!("{octet:02x}")).collect();
    format!("02:{}", octets.join(":"))
}
