//! One stick for all machines: who is not on it.

use super::{Place, Subject};
use crate::config::catalogue::Code;
use crate::config::decode::NodeDraft;
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
    if let Some((who, place)) = all(&unknown) {
        let message = format!("nobody knows {who} on the stick, without a MAC address");
        subject.push(
            Diagnostic::warning(Code::StickUnknown, place.span, message)
                .help("add `mac: 52:54:00:00:00:0b`, the address of its first NIC"),
        );
    }
    if let Some((who, place)) = all(&ignition) {
        let message = format!("no stick is read by {who}, which Ignition sets up");
        subject.push(
            Diagnostic::warning(Code::StickIgnition, place.span, message)
                .help("install it with its config: `coreos-installer install --ignition-file`, `flatcar-install -i`"),
        );
    }
}

/// One name for all machines of a kind, and where the first of them is.
fn all<'n>(nodes: &[(&NodeDraft, Place<'n>)]) -> Option<(String, Place<'n>)> {
    let ((first, place), others) = nodes.split_first()?;
    let name = first.name.as_ref().map_or("?", |name| name.value.as_str());
    let others = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    Some((format!("`{name}`{others}"), place.key("name")))
}
