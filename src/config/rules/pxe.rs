//! Booting over the network: disks and kernel arguments, that each machine is known, and that what boots finds its disk.

use super::{Subject, together};
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::config::values::Invalid;
use crate::os::NetworkBoot;

/// Reads the path of a disk.
pub(in crate::config) fn disk(text: &str) -> Result<String, Invalid> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    if text.strip_prefix("/dev/").is_none_or(str::is_empty) || !text.chars().all(good) {
        return Err(Invalid::new(
            format!("`{text}` is not the path of a disk"),
            "write it as Linux names it, as in `/dev/sda` or `/dev/disk/by-id/nvme-eui.0025385b61b01234`",
        ));
    }
    Ok(text.to_owned())
}

/// Reads an argument of the kernel: one word that neither iPXE nor a boot loader reads as anything else.
pub(in crate::config) fn kernel_argument(text: &str) -> Result<String, Invalid> {
    let good = |c: char| c.is_ascii_alphanumeric() || "_-.:=,/@%+~;".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    if !begins || !text.chars().all(good) {
        return Err(Invalid::new(
            format!("`{}` is not one kernel argument", text.escape_debug()),
            "write each argument as an item of its own, without blanks and quotes, as in `console=ttyS0`",
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn check(subject: &Subject<'_>) {
    let drafts = subject.draft.nodes.as_deref().unwrap_or_default();
    subject.duplicates(
        Code::DuplicateUuid,
        drafts.iter().filter_map(|node| node.pxe.uuid.as_ref()).map(|uuid| (uuid.value.as_str(), uuid.span)),
        |uuid| format!("two nodes have the UUID {uuid}"),
        "a machine finds its bundle by its own UUID",
    );
    let place = subject.at(&["pxe"]);
    if place.node.is_none_or(super::Node::is_null) {
        if subject.wants("pxe") {
            subject.push(
                Diagnostic::error(
                    Code::PxeIncomplete,
                    subject.at(&["media"]).key,
                    "machines do not know where to boot from",
                )
                .help("add `pxe: {url: http://10.9.0.2}`, with the address of whoever serves `out/pxe`"),
            );
        }
        alone(subject);
    } else {
        machines(subject);
    }
}

/// `pxe` of nodes, and none of the document.
fn alone(subject: &Subject<'_>) {
    for (node, place) in subject.nodes() {
        let place = place.key("pxe");
        if place.node.is_some_and(|node| !node.is_empty()) {
            let name = node.name.as_ref().map_or("?", |name| name.value.as_str());
            subject.push(
                Diagnostic::error(
                    Code::PxeIncomplete,
                    place.key,
                    format!("`{name}` has `pxe`, and the document has not"),
                )
                .help("add `pxe: {url: http://10.9.0.2}`: where machines find their files"),
            );
            return;
        }
    }
}

fn machines(subject: &Subject<'_>) {
    let Some(pxe) = &subject.draft.pxe else { return };
    // One message for all machines that lack the same.
    let (mut unknown, mut foreign, mut no_root, mut no_disk) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut no_address, mut no_own, mut no_network) = (Vec::new(), Vec::new(), Vec::new());
    for (node, place) in subject.nodes() {
        let machine = (node, place);
        let boot = subject.os(node).system().boots(subject.format(node));
        if boot.is_some() && node.address.as_ref().is_some_and(|address| address.value.addr().is_ipv6()) {
            no_address.push(machine);
        } else if boot.is_some()
            && node.pxe.uuid.is_none()
            && node.macs().next().is_some()
            && node.own_macs().next().is_none()
        {
            no_own.push(machine);
        }
        let arguments = node.pxe.arguments.as_ref().unwrap_or(&pxe.arguments);
        let is_told = node.mac.is_some() || node.interface.is_some() || !node.network.is_empty();
        if boot.is_some() && node.pxe.uuid.is_some() && !is_told {
            no_network.push(machine);
        }
        match boot {
            None => foreign.push(machine),
            Some(_) if node.macs().next().is_none() && node.pxe.uuid.is_none() => unknown.push(machine),
            Some(NetworkBoot::Disk) if !arguments.iter().any(|argument| argument.starts_with("root=")) => {
                no_root.push(machine);
            }
            Some(NetworkBoot::Disk) => {}
            Some(_) if node.pxe.disk.is_none() && pxe.disk.is_none() => no_disk.push(machine),
            Some(_) => {}
        }
    }
    if let Some((who, span)) = together(&foreign) {
        subject.push(
            Diagnostic::warning(Code::PxeLeftOut, span, format!("hagen knows no way to boot {who} over the network"))
                .help("use another medium"),
        );
    }
    if let Some((who, span)) = together(&unknown) {
        let message = format!("nobody knows {who} on the network, without a MAC address or `pxe.uuid`");
        subject.push(Diagnostic::warning(Code::PxeLeftOut, span, message).help(
            "add `mac: 52:54:00:00:00:0b`, or a `match` under `network`: the address of the NIC that it boots from",
        ));
    }
    if let Some((who, span)) = together(&no_address) {
        let message = format!("serve.sh gives {who} no address, for it knows IPv4 alone");
        subject.push(
            Diagnostic::warning(Code::PxeLeftOut, span, message)
                .help("let the network's own DHCP server give the address, and lead the machine to `tftp/boot.ipxe`"),
        );
    }
    if let Some((who, span)) = together(&no_own) {
        let message = format!("serve.sh gives {who} no address: the NIC that has it is known by no MAC address");
        subject.push(
            Diagnostic::warning(Code::PxeLeftOut, span, message)
                .help("add `match: {macaddress: ...}` to that NIC as well"),
        );
    }
    if let Some((who, span)) = together(&no_network) {
        let message = format!("the bundle of {who} configures no network, so the address is DHCP's at every boot");
        subject.push(
            Diagnostic::warning(Code::PxeAddressed, span, message)
                .help("add `mac`, so that the bundle has the address, or have a DHCP server that stays give it"),
        );
    }
    let place = subject.at(&["pxe"]).key;
    if let Some((who, span)) = together(&no_root) {
        subject.push(
            Diagnostic::error(Code::PxeIncomplete, place, format!("the kernel of {who} is not told where its root is"))
                .also(span, "boots from its disk")
                .help("add `arguments: [root=LABEL=root]`, with what the image's own boot loader says"),
        );
    }
    if let Some((who, span)) = together(&no_disk) {
        let message = format!("the installer of {who} is not told which disk to write to");
        subject.push(
            Diagnostic::error(Code::PxeIncomplete, place, message)
                .also(span, "is installed")
                .help("add `disk: /dev/sda`, with the machine's disk, which must be empty"),
        );
    }
}
