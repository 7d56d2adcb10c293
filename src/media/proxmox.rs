//! Proxmox VE: what makes virtual machines of the seeds. Scripts for its own tools, `qm` and `pvesm`, and the same for
//! Terraform.
//!
//! Scripts and main.tf are the same for every cluster; `machines` and hagen.auto.tfvars.json say what differs. A seed's
//! name in Proxmox' storage holds its digest, so that a drive tells which render it is of; the payload's does, too.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Machine, MediaError, Medium, Site, iso};
use crate::boot;
use crate::config::schema::Role;
use crate::format::{Entry, Tree};
use crate::payload;
use crate::secrets::hexadecimal;

/// `--media proxmox`: with the CDs of `iso`, which its machines boot from.
pub const MEDIUM: Medium = Medium { name: "proxmox", write };

macro_rules! files {
    ($($name:literal: $mode:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../../templates/proxmox/", $name)), $mode)),+]
    };
}

/// What is the same for every cluster, with its mode.
const FILES: [(&str, &str, u32); 5] = files![
    "create.sh": 0o700,
    "detach.sh": 0o700,
    "hagen.sh": 0o600,
    "main.tf": 0o600,
    "upload.sh": 0o700,
];

/// One virtual machine, with Proxmox' units.
#[derive(Serialize)]
struct VirtualMachine<'a> {
    /// Node and cluster: unlike `homelab-cp1`, a name that no other pair has.
    name: String,
    vmid: u32,
    host: Option<&'a str>,
    role: &'static str,
    address: String,
    mac: &'a str,
    cores: u32,
    memory: u32,
    disk: u32,
    storage: &'a str,
    bridge: &'a str,
    vlan: Option<u16>,
    image: Option<&'a str>,
    agent: bool,
    iso_storage: &'a str,
    iso: String,
    /// Below the output folder.
    seed: String,
    sha256: String,
}

/// payload.iso, the same for all machines.
#[derive(Serialize)]
struct Payload {
    /// Below the output folder.
    file: &'static str,
    iso: String,
    sha256: String,
}

#[derive(Serialize)]
struct Values<'a> {
    cluster: &'a str,
    payload: Option<Payload>,
    machines: &'a [(&'a str, VirtualMachine<'a>)],
}

#[derive(Serialize)]
struct Variables<'a> {
    machines: BTreeMap<&'a str, &'a VirtualMachine<'a>>,
}

fn write(site: &Site<'_>, tree: &mut Tree) -> Result<(), MediaError> {
    (iso::MEDIUM.write)(site, tree)?;
    let proxmox = &site.cluster.document.proxmox;
    let mut machines = Vec::new();
    for machine in &site.machines {
        let node = machine.node.declared;
        if let Some(vmid) = proxmox.vmid(node.proxmox.vmid.map(|vmid| vmid.value), node.address.addr()) {
            machines.push((machine.node.name(), virtual_machine(site, machine, vmid, tree)));
        }
    }
    if machines.is_empty() {
        return Err(MediaError::NoVmid);
    }

    for (name, content, mode) in FILES {
        tree.insert(format!("proxmox/{name}"), Entry::File { content: content.into(), mode, owner: None });
    }
    let cluster = site.cluster.name();
    let payload = tree.sha256(payload::FILE).map(|digest| {
        let sha256 = hexadecimal(&digest);
        Payload { file: payload::FILE, iso: format!("hagen-{cluster}-payload-{}.iso", &sha256[..12]), sha256 }
    });
    let values = Values { cluster, payload, machines: &machines };
    tree.add("proxmox/machines", boot::render("proxmox/machines", &values)?);
    let variables = Variables { machines: machines.iter().map(|(node, machine)| (*node, machine)).collect() };
    // Text and numbers alone: it cannot fail.
    let json = serde_json::to_string_pretty(&variables).unwrap_or_default();
    tree.add("proxmox/hagen.auto.tfvars.json", format!("{json}\n"));
    Ok(())
}

/// The machine as Proxmox sees it: its own options over the cluster's.
fn virtual_machine<'a>(site: &Site<'a>, machine: &'a Machine<'a>, vmid: u32, tree: &Tree) -> VirtualMachine<'a> {
    let (cluster, node) = (&site.cluster.document.proxmox, machine.node.declared);
    let own = &node.proxmox;
    let seed = format!("nodes/{}/seed.iso", node.name);
    let sha256 = hexadecimal(&tree.sha256(&seed).unwrap_or_default());
    let name = format!("{}.{}", node.name, site.cluster.name());
    VirtualMachine {
        iso: format!("hagen-{name}-{}.iso", &sha256[..12]),
        name,
        vmid,
        host: own.host.as_deref().or(cluster.host.as_deref()),
        role: match node.role.value {
            Role::ControlPlane => "control-plane",
            Role::Worker => "worker",
        },
        address: node.address.to_string(),
        mac: &machine.mac,
        cores: own.cores.unwrap_or(cluster.cores),
        memory: own.memory.unwrap_or(cluster.memory),
        disk: own.disk.unwrap_or(cluster.disk),
        storage: own.storage.as_deref().unwrap_or(&cluster.storage),
        bridge: own.bridge.as_ref().unwrap_or(&cluster.bridge).as_str(),
        vlan: own.vlan.or(cluster.vlan),
        image: own.image.as_deref().or(cluster.image.as_deref()),
        agent: own.agent.unwrap_or(cluster.agent),
        iso_storage: &cluster.iso_storage,
        seed,
        sha256,
    }
}
