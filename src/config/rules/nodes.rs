//! Nodes: who there is, and what each may have.

use std::net::IpAddr;

use super::Subject;
use super::addresses::is_link_local;
use crate::config::catalogue::Code;
use crate::config::decode::NodeDraft;
use crate::config::diagnostics::{Diagnostic, Span};
use crate::config::schema::Role;

/// Names that every machine's /etc/hosts or the cluster's certificates give a meaning.
const RESERVED_NAMES: &[&str] =
    &["localhost", "ip6-localhost", "ip6-loopback", "ip6-allnodes", "ip6-allrouters", "kubernetes"];

pub(super) fn check(subject: &Subject<'_>) {
    duplicates(subject);
    reserved_names(subject);
    control_planes(subject);
    fields_of_roles(subject);
}

fn duplicates(subject: &Subject<'_>) {
    let drafts = subject.draft.nodes.as_deref().unwrap_or_default();
    subject.duplicates(
        Code::DuplicateNodeName,
        drafts.iter().filter_map(|node| node.name.as_ref()).map(|name| (name.value.as_str(), name.span)),
        |name| format!("two nodes are called `{name}`"),
        "give each node a name of its own",
    );
    subject.duplicates(
        Code::DuplicateAddress,
        drafts.iter().flat_map(addresses),
        |address| format!("the address {address} is given twice"),
        "give each device of each machine an address of its own",
    );
    subject.duplicates(
        Code::DuplicateMac,
        drafts.iter().flat_map(NodeDraft::macs).map(|mac| (mac.value.as_str(), mac.span)),
        |mac| format!("the MAC address {mac} is given twice"),
        "a machine finds its bundle, and its interfaces, by its own MAC addresses",
    );
}

/// The node's address, and the others of its devices.
fn addresses(node: &NodeDraft) -> impl Iterator<Item = (IpAddr, Span)> {
    let others = node.other_addresses().map(|(address, _)| address);
    node.address.into_iter().chain(others.filter(|net| !is_link_local(net.addr()))).map(|net| (net.addr(), net.span))
}

fn reserved_names(subject: &Subject<'_>) {
    let endpoint = subject.draft.endpoint.name.as_ref();
    let refuse = |span: Span, name: &str, why: &str| {
        let message = format!("the name `{name}` is reserved: {why}");
        Diagnostic::error(Code::ReservedName, span, message).help("choose another name")
    };
    for name in subject.draft.nodes.iter().flatten().filter_map(|node| node.name.as_ref()) {
        if RESERVED_NAMES.contains(&name.value.as_str()) {
            subject.push(refuse(name.span, name.value.as_str(), "every machine knows it as something else"));
        } else if endpoint.is_some_and(|endpoint| endpoint.as_str() == name.value.as_str()) {
            let place = subject.at(&["endpoint", "name"]).span;
            subject.push(
                refuse(name.span, name.value.as_str(), "it is the endpoint's").also(place, "the endpoint's name"),
            );
        }
    }
    if let Some(name) = endpoint.filter(|name| RESERVED_NAMES.contains(&name.as_str())) {
        let place = subject.at(&["endpoint", "name"]).span;
        subject.push(refuse(place, name.as_str(), "every machine knows it as something else"));
    }
}

fn control_planes(subject: &Subject<'_>) {
    let Some(nodes) = &subject.draft.nodes else { return };
    let place = subject.at(&["nodes"]);
    if nodes.is_empty() {
        let message = "the cluster has no nodes";
        subject.push(
            Diagnostic::error(Code::NoNodes, place.key, message)
                .help("add `- {name: cp1, role: control-plane, address: 10.9.0.11/24}`"),
        );
        return;
    }
    // A role that could not be read may be a control plane.
    let Some(roles) = nodes.iter().map(|node| node.role).collect::<Option<Vec<_>>>() else { return };
    let planes: Vec<_> = roles.into_iter().filter(|role| role.value == Role::ControlPlane).collect();
    match planes.as_slice() {
        [] => subject.push(
            Diagnostic::error(Code::NoControlPlane, place.key, "the cluster has no control plane")
                .help("give one, three or five nodes `role: control-plane`"),
        ),
        [first, .., last] if planes.len() % 2 == 0 => subject.push(
            Diagnostic::error(
                Code::EvenControlPlanes,
                last.span,
                format!("{} control planes: etcd needs an odd number of members", planes.len()),
            )
            .label(format!("control plane {}", planes.len()))
            .also(first.span, "control plane 1")
            .help(format!(
                "use {} or {}: {} tolerate no more failures than {}",
                planes.len() - 1,
                planes.len() + 1,
                planes.len(),
                planes.len() - 1
            )),
        ),
        _ => {}
    }
}

fn fields_of_roles(subject: &Subject<'_>) {
    for (node, place) in subject.nodes() {
        let Some(role) = node.role else { continue };
        if role.value == Role::Worker && node.certificates.is_some() {
            subject.push(
                Diagnostic::error(
                    Code::FieldOfOtherRole,
                    place.key("certificates").key,
                    "a worker has no `certificates`",
                )
                .also(role.span, "a worker")
                .help("remove it: the authorities' keys go to control planes only"),
            );
        }
        if role.value == Role::ControlPlane && !node.roles.is_empty() {
            subject.push(
                Diagnostic::error(Code::FieldOfOtherRole, place.key("roles").key, "a control plane has no `roles`")
                    .also(role.span, "a control plane")
                    .help("use `labels`; role labels are for workers"),
            );
        }
    }
}
