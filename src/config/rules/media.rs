//! Media: that what carries a bundle reaches the machine, and finds it as the document says.

use super::{Subject, together};
use crate::config::catalogue::Code;
use crate::config::decode::NodeDraft;
use crate::config::diagnostics::Diagnostic;
use crate::config::schema::{Device, DeviceKind};

impl Subject<'_> {
    /// Whether the document or the command line asks for a medium.
    pub(super) fn wants(&self, medium: &str) -> bool {
        self.draft.media.contains(&medium) || self.options.media.iter().any(|name| name == medium)
    }

    /// The VMID of a node that is one of Proxmox' machines.
    pub(super) fn vmid(&self, node: &NodeDraft) -> Option<u32> {
        self.draft.proxmox.vmid(node.proxmox.vmid.map(|vmid| vmid.value), node.address?.addr())
    }

    /// Whether a node becomes a machine of Proxmox', by the medium that is asked for.
    fn on_proxmox(&self, node: &NodeDraft) -> bool {
        self.wants("proxmox") && self.vmid(node).is_some()
    }
}

pub(super) fn check(subject: &Subject<'_>) {
    let is_read = subject.draft.nodes.is_some();
    let is_none = |node: &NodeDraft| node.address.is_some() && subject.vmid(node).is_none();
    if subject.wants("proxmox") && is_read && subject.nodes().all(|(node, _)| is_none(node)) {
        subject.push(
            Diagnostic::error(Code::NoMachineOfMedium, subject.at(&["media"]).key, "no node has a VMID")
                .help("add `proxmox: {vmidBase: 8000}`, or `proxmox: {vmid: 101}` at single nodes"),
        );
    }
    seeds(subject);
    nics(subject);
}

/// Systems whose Ignition reads no NoCloud seed, and whose config comes by nothing else.
fn seeds(subject: &Subject<'_>) {
    let seed_alone = |node: &NodeDraft| {
        subject.on_proxmox(node) || (subject.wants("iso") && !subject.wants("libvirt") && !subject.wants("pxe"))
    };
    let unread: Vec<_> = subject
        .nodes()
        .filter(|(node, _)| {
            let system = subject.os(node).system();
            !system.reads_seed && subject.format(node) == system.format && seed_alone(node)
        })
        .collect();
    if let Some((who, span)) = together(&unread) {
        subject.push(
            Diagnostic::warning(Code::SeedUnread, span, format!("seed.iso means nothing to {who}"))
                .help("use another medium, or give it `config.ign` in the way of its system (docs/systems.md)"),
        );
    }
}

/// A virtual machine is made with the NIC that has its address.
fn nics(subject: &Subject<'_>) {
    let is_ethernet = |device: &&Device| matches!(device.kind, DeviceKind::Ethernet { .. });
    let is_virtual = |node| subject.wants("libvirt") || subject.on_proxmox(node);
    let several: Vec<_> = subject
        .nodes()
        .filter(|(node, _)| node.network.iter().filter(is_ethernet).count() > 1 && is_virtual(node))
        .collect();
    if let Some((who, span)) = together(&several) {
        let message = format!("{who} has several NICs, and hagen makes virtual machines with one");
        subject.push(
            Diagnostic::warning(Code::OneNic, span, message)
                .help("add the others before its first boot, each with the MAC address under its `match`"),
        );
    }
}
