//! One stick for all machines: who is not on it.

use super::{Subject, together};
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::os::Format;

/// The medium's name.
const USB: &str = "usb";

pub(super) fn check(subject: &Subject<'_>) {
    let wanted = subject.draft.media.contains(&USB) || subject.options.media.iter().any(|name| name == USB);
    if !wanted {
        return;
    }
    let (ignition, cloud_init): (Vec<_>, Vec<_>) =
        subject.nodes().partition(|(node, _)| subject.format(node) == Format::Ignition);
    let unknown: Vec<_> = cloud_init.into_iter().filter(|(node, _)| node.macs().next().is_none()).collect();
    if let Some((who, span)) = together(&unknown) {
        let message = format!("nobody knows {who} on the stick, without a MAC address");
        subject.push(
            Diagnostic::warning(Code::StickUnknown, span, message)
                .help("add `mac: 52:54:00:00:00:0b`, the address of its first NIC"),
        );
    }
    if let Some((who, span)) = together(&ignition) {
        let message = format!("no stick is read by {who}, which Ignition sets up");
        subject.push(
            Diagnostic::warning(Code::StickIgnition, span, message)
                .help("install it with its config: `coreos-installer install --ignition-file`, `flatcar-install -i`"),
        );
    }
}
