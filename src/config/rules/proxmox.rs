//! Proxmox VE: names that it accepts (`PVE::JSONSchema`), and one machine a VMID.

use super::Subject;
use crate::config::catalogue::Code;
use crate::config::values::{InterfaceName, Invalid};

/// Reads the name of a storage.
pub(in crate::config) fn storage(text: &str) -> Result<String, Invalid> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let ends =
        text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.ends_with(|c: char| c.is_ascii_alphanumeric());
    if text.len() < 2 || !ends || !text.chars().all(good) {
        return Err(Invalid::new(
            format!("`{}` is not the name of a storage", text.escape_debug()),
            "write its name alone, as `pvesm status` shows it: `local-lvm`",
        ));
    }
    Ok(text.to_owned())
}

/// Reads the name of a Proxmox node.
pub(in crate::config) fn host(text: &str) -> Result<String, Invalid> {
    let good = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if text.is_empty() || !text.chars().all(good) || text.starts_with('-') || text.ends_with('-') {
        return Err(Invalid::new(
            format!("`{}` is not the name of a Proxmox node", text.escape_debug()),
            "write the node's host name without a domain, as in `pve1`",
        ));
    }
    Ok(text.to_owned())
}

/// Reads the name of a bridge.
pub(in crate::config) fn bridge(text: &str) -> Result<InterfaceName, Invalid> {
    match text.parse() {
        Ok(name) if text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) => Ok(name),
        _ => Err(Invalid::new(
            format!("`{}` is not the name of a bridge", text.escape_debug()),
            "use up to 15 letters, digits, `-`, `_` and `.`, as in `vmbr0`",
        )),
    }
}

/// Reads what a disk is copied from: a volume, or a file of the Proxmox node.
pub(in crate::config) fn image(text: &str) -> Result<String, Invalid> {
    let volume = |(name, rest): (&str, &str)| storage(name).is_ok() && !rest.is_empty() && !rest.starts_with('/');
    let path = text.starts_with('/') && text.len() > 1;
    // A comma ends the value in qm's options.
    let plain = text.chars().all(|c| c.is_ascii_graphic() && c != ',');
    if !plain || !(path || text.split_once(':').is_some_and(volume)) {
        return Err(Invalid::new(
            format!("`{}` is neither a volume nor an absolute path", text.escape_debug()),
            "write `local:import/debian-13.qcow2`, or `/root/debian-13.qcow2` for a file on the Proxmox node",
        ));
    }
    if !path && text.contains(":import/") && !IMPORTED.iter().any(|ending| text.ends_with(ending)) {
        return Err(Invalid::new(
            format!("`{}` has no ending by which Proxmox knows an image", text.escape_debug()),
            format!("store it under a name that ends as its format does: {}", IMPORTED.join(", ")),
        ));
    }
    Ok(text.to_owned())
}

/// Endings of volumes with content `import` (pve-storage 9.1.7, `PVE::Storage::Plugin::parse_volname`).
const IMPORTED: [&str; 5] = [".qcow2", ".raw", ".vmdk", ".ova", ".ovf"];

pub(super) fn check(subject: &Subject<'_>) {
    let vmids = subject.nodes().filter_map(|(node, _)| {
        let span = node.proxmox.vmid.map_or(node.address?.span, |vmid| vmid.span);
        Some((subject.vmid(node)?, span))
    });
    subject.duplicates(
        Code::DuplicateVmid,
        vmids,
        |vmid| format!("two nodes have the VMID {vmid}"),
        "give each a VMID of its own: `proxmox: {vmid: 101}`",
    );
}
