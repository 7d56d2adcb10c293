//! One stick for all machines: who is not on it.

use super::{Subject, together};
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::os::Format;

pub(super) fn check(subject: &Subject<'_>) {
    if !subject.wants("usb") {
        return;
    }
    let (ignition, cloud_init): (Vec<_>, Vec<_>) =
        subject.nodes().partition(|(node, _)| subject.format(node) == Format::Ignition);
    let (unknown, known): (Vec<_>, Vec<_>) =
        cloud_init.into_iter().partition(|(node, _)| node.network_is_whole && node.macs().next().is_none());
    // `mac` does not stand beside `network`.
    let (described, plain): (Vec<_>, Vec<_>) = unknown.iter().partition(|(node, _)| !node.network.is_empty());
    for (unknown, help) in [
        (plain, "add `mac: 52:54:00:00:00:0b`, the address of its first NIC"),
        (
            described,
            "say the address of a NIC under its `network`: `ethernets: {eth0: {match: {macaddress: 52:54:00:00:00:0b}}}`",
        ),
    ] {
        if let Some((who, span)) = together(&unknown) {
            let message = format!("nobody knows {who} on the stick, without a MAC address");
            subject.push(Diagnostic::warning(Code::StickUnknown, span, message).help(help));
        }
    }
    if known.is_empty() && subject.draft.nodes.is_some() {
        let message = "no machine can be known on the stick";
        subject.push(
            Diagnostic::error(Code::NoMachineOfMedium, subject.at(&["media"]).key, message)
                .help("give machines with cloud-init a MAC address, or use another medium"),
        );
    }
    if let Some((who, span)) = together(&ignition) {
        let message = format!("no stick is read by {who}, which Ignition sets up");
        subject.push(
            Diagnostic::warning(Code::StickIgnition, span, message)
                .help("its installer takes config.ign: `hagen explain HAGEN144`"),
        );
    }
}
