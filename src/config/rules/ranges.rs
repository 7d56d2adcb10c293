//! Ranges of Pods, Services and machines: that they are apart, large enough, and of the right families.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::Subject;
use super::addresses::is_link_local;
use crate::config::catalogue::Code;
use crate::config::diagnostics::{Diagnostic, Spanned};
use crate::config::schema::Role;

/// kubeadm's `maximumBitsForServiceSubnet`, and the API server's limit in IPv6.
const MOST_SERVICE_BITS: u8 = 20;
/// 16 addresses: the API server's, DNS's, and a few to use.
const LEAST_SERVICE_BITS: u8 = 4;
/// kubeadm's `podSubnetNodeMaskMaxDiff`.
const MOST_NODE_BITS: u8 = 16;

pub(super) fn check(subject: &Subject<'_>) {
    let kubernetes = &subject.draft.kubernetes;
    families(subject, "podSubnet", &kubernetes.pod_subnet);
    families(subject, "serviceSubnet", &kubernetes.service_subnet);
    first_service_family(subject);
    pod_family(subject);
    node_masks(subject);
    for range in &kubernetes.service_subnet {
        service_size(subject, range);
    }
    for range in &kubernetes.pod_subnet {
        pod_size(subject, range);
    }
    overlaps(subject);
}

pub(super) fn family(net: &IpNet) -> &'static str {
    if net.addr().is_ipv4() { "IPv4" } else { "IPv6" }
}

/// Whether two ranges have an address in common.
pub(super) fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

fn families(subject: &Subject<'_>, key: &str, ranges: &[Spanned<IpNet>]) {
    let place = subject.at(&["kubernetes", key]);
    if ranges.is_empty() && place.node.is_some_and(super::Node::is_empty) {
        subject.push(
            Diagnostic::error(Code::AddressFamilies, place.span, format!("`kubernetes.{key}` is an empty list"))
                .help("name one range, or one of each family"),
        );
    }
    if let [_, _, third, ..] = ranges {
        subject.push(
            Diagnostic::error(
                Code::AddressFamilies,
                third.span,
                format!("`kubernetes.{key}` has {} ranges", ranges.len()),
            )
            .help("name one range, or one of each family"),
        );
        return;
    }
    if let [first, rest @ ..] = ranges {
        for second in rest.iter().filter(|second| family(second) == family(first)) {
            subject.push(
                Diagnostic::error(Code::AddressFamilies, second.span, format!("a second {} range", family(first)))
                    .also(first.span, "the first one")
                    .help("a dual-stack list has one IPv4 and one IPv6 range"),
            );
        }
    }
}

/// kube-apiserver stops at once when its own address and the first service range are of two families; and a machine of
/// the other family reaches nobody.
fn first_service_family(subject: &Subject<'_>) {
    let kubernetes = &subject.draft.kubernetes;
    let Some(service) = kubernetes.service_subnet.first() else { return };
    let given = subject.at(&["kubernetes", "serviceSubnet"]).node.is_some_and(|node| !node.is_null());
    let ranges = if family(service) == "IPv4" {
        "`serviceSubnet: \"fd00:10:96::/112\"` and `podSubnet: \"fd00:10:244::/56\"`"
    } else {
        "`serviceSubnet: 10.96.0.0/12` and `podSubnet: 10.244.0.0/16`"
    };
    let mut nodes: Vec<_> = subject.nodes().filter_map(|(node, _)| Some((node, node.address?, node.role?))).collect();
    // A control plane says what the family should be; the others follow.
    nodes.sort_by_key(|(_, _, role)| role.value != Role::ControlPlane);
    if let Some((node, address, role)) = nodes.into_iter().find(|(_, address, _)| family(address) != family(service)) {
        let name = node.name.as_ref().map_or("?", |name| name.value.as_str());
        let what = if role.value == Role::ControlPlane { "control plane" } else { "worker" };
        let default = if given { "" } else { "default " };
        let message = format!(
            "the {what} `{name}` has an {} address, but the {default}first service range is {}",
            family(&address),
            family(service)
        );
        let mut diagnostic = Diagnostic::error(Code::AddressFamilies, address.span, message);
        if given {
            diagnostic = diagnostic.also(service.span, "the first service range");
        }
        subject.push(diagnostic.help(match role.value {
            Role::ControlPlane => format!("write {ranges} under `kubernetes`, or list both families"),
            Role::Worker => "all machines need addresses of the first service range's family".to_owned(),
        }));
    }
}

/// Every Pod has an address of the first Service's family, or the API's own Service is out of its reach.
fn pod_family(subject: &Subject<'_>) {
    let kubernetes = &subject.draft.kubernetes;
    let (Some(service), Some(pods)) = (kubernetes.service_subnet.first(), kubernetes.pod_subnet.first()) else {
        return;
    };
    if kubernetes.pod_subnet.iter().any(|range| family(range) == family(service)) {
        return;
    }
    let given = |key| subject.at(&["kubernetes", key]).node.is_some_and(|node| !node.is_null());
    let message =
        format!("the Pods have {} addresses, but the first service range is {}", family(pods), family(service));
    let (place, key) = if given("podSubnet") { (pods, "podSubnet") } else { (service, "serviceSubnet") };
    let other = if key == "podSubnet" { "serviceSubnet" } else { "podSubnet" };
    let mut diagnostic = Diagnostic::error(Code::AddressFamilies, place.span, message);
    if given("podSubnet") && given("serviceSubnet") {
        diagnostic = diagnostic.also(service.span, "the first service range");
    }
    subject.push(diagnostic.help(format!("give `kubernetes.{other}` the same family, or list both")));
}

fn bits(range: &IpNet) -> u8 {
    range.max_prefix_len() - range.prefix_len()
}

fn service_size(subject: &Subject<'_>, range: &Spanned<IpNet>) {
    let (smallest, largest) = (range.max_prefix_len() - LEAST_SERVICE_BITS, range.max_prefix_len() - MOST_SERVICE_BITS);
    let what = match bits(range) {
        size if size < LEAST_SERVICE_BITS => "small",
        size if size > MOST_SERVICE_BITS => "large",
        _ => return,
    };
    subject.push(
        Diagnostic::error(Code::ServiceRangeSize, range.span, format!("service range {} is too {what}", range.value))
            .help(format!("its prefix length is from /{largest} to /{smallest}")),
    );
}

/// How many leading bits a node's piece of the pod range has, as kubeadm sees it (`validatePodSubnetNodeMask`): it reads
/// the flags of the families alone, and nothing where the controller manager cuts no pieces.
fn node_mask(subject: &Subject<'_>, range: &IpNet) -> Option<u8> {
    let (flag, default) = if range.addr().is_ipv4() { (MASKS[0], 24) } else { (MASKS[1], 64) };
    let given = &subject.draft.kubernetes.controller_manager_extra_args;
    if given.get("allocate-node-cidrs").is_some_and(|value| value == "false") {
        return None;
    }
    match given.get(flag) {
        // What is no prefix length was reported.
        Some(text) => text.parse().ok().filter(|mask| *mask <= range.max_prefix_len()),
        None => Some(default),
    }
}

/// The controller manager's flags for the size of a node's piece: IPv4, IPv6.
const MASKS: [&str; 2] = ["node-cidr-mask-size-ipv4", "node-cidr-mask-size-ipv6"];

fn node_masks(subject: &Subject<'_>) {
    let given = &subject.draft.kubernetes.controller_manager_extra_args;
    let place = subject.at(&["kubernetes", "controllerManager", "extraArgs"]);
    if given.contains_key("node-cidr-mask-size") {
        let message = "kubeadm does not look at `node-cidr-mask-size`";
        subject.push(
            Diagnostic::error(Code::PodRangeSize, place.key("node-cidr-mask-size").key, message)
                .help("write `node-cidr-mask-size-ipv4` or `node-cidr-mask-size-ipv6`"),
        );
    }
    for (flag, longest) in MASKS.into_iter().zip([32_u8, 128]) {
        let Some(text) = given.get(flag) else { continue };
        if !text.parse::<u8>().is_ok_and(|mask| mask <= longest) {
            let message = format!("`{flag}` is not a prefix length: `{text}`");
            subject.push(
                Diagnostic::error(Code::PodRangeSize, place.key(flag).span, message)
                    .help(format!("write a number up to {longest}")),
            );
        }
    }
}

fn pod_size(subject: &Subject<'_>, range: &Spanned<IpNet>) {
    let Some(mask) = node_mask(subject, range) else { return };
    let nodes = subject.draft.nodes.as_ref().map_or(0, Vec::len);
    let length = range.prefix_len();
    let node_bits = mask.saturating_sub(length);
    let room = if length > mask { 0 } else { 1_u64 << node_bits.min(63) };
    let needed = u64::try_from(nodes).unwrap_or(u64::MAX).max(1);
    if room < needed {
        let needed_bits = u8::try_from(needed.next_power_of_two().trailing_zeros()).unwrap_or(63);
        let pieces = if needed == 1 { "1 node needs it".to_owned() } else { format!("{needed} nodes need {needed}") };
        subject.push(
            Diagnostic::error(
                Code::PodRangeSize,
                range.span,
                format!("pod range {} has room for {room} pieces of /{mask}, and {pieces}", range.value),
            )
            .help(format!("use a /{} or larger", mask.saturating_sub(needed_bits))),
        );
    } else if node_bits > MOST_NODE_BITS {
        subject.push(
            Diagnostic::error(Code::PodRangeSize, range.span, format!("pod range {} is too large", range.value)).help(
                format!(
                    "kubeadm allows at most 16 bits between the range and a node's /{mask}: use a /{} or smaller",
                    mask - MOST_NODE_BITS
                ),
            ),
        );
    }
}

/// One of the ranges that must be apart.
#[derive(Clone, Copy)]
struct Named {
    what: &'static str,
    key: &'static str,
    range: Spanned<IpNet>,
    /// Whether the document says it; a default has no place to point at.
    given: bool,
}

fn overlaps(subject: &Subject<'_>) {
    let kubernetes = &subject.draft.kubernetes;
    let named = |what, key, ranges: &[Spanned<IpNet>]| {
        let given = subject.at(&["kubernetes", key]).node.is_some_and(|node| !node.is_null());
        ranges.iter().map(|range| Named { what, key, range: *range, given }).collect::<Vec<_>>()
    };
    let pods = named("pod range", "podSubnet", &kubernetes.pod_subnet);
    let services = named("service range", "serviceSubnet", &kubernetes.service_subnet);
    let report = |one: &Named, other: &Named| {
        // The carets go to what the document says itself.
        let (one, other) = if one.given { (one, other) } else { (other, one) };
        let name = |named: &Named| format!("{}{}", if named.given { "" } else { "default " }, named.what);
        let message =
            format!("the {} {} overlaps the {} {}", name(one), one.range.value, name(other), other.range.value);
        let mut diagnostic = Diagnostic::error(Code::OverlappingRanges, one.range.span, message);
        let mut help = "give Pods, Services and machines ranges that have no address in common".to_owned();
        if other.given {
            diagnostic = diagnostic.also(other.range.span, format!("the {}", other.what));
        } else {
            help = format!("set `kubernetes.{}` to a range that has no address in common with it", other.key);
        }
        subject.push(diagnostic.help(help));
    };
    for pod in &pods {
        for service in services.iter().filter(|service| overlap(&pod.range, &service.range)) {
            report(pod, service);
        }
    }
    // One message a subnet, not one a node.
    let mut subnets: BTreeMap<IpNet, Spanned<IpNet>> = BTreeMap::new();
    for (node, _) in subject.nodes() {
        let others = node.other_addresses().map(|(address, _)| address).filter(|net| !is_link_local(net.addr()));
        for address in node.address.into_iter().chain(others) {
            subnets.entry(address.trunc()).or_insert(address);
        }
    }
    for range in pods.iter().chain(&services) {
        for (subnet, first) in subnets.iter().filter(|(subnet, _)| overlap(&range.range, subnet)) {
            let subnet = Spanned::new(*subnet, first.span);
            report(range, &Named { what: "nodes' subnet", key: "", range: subnet, given: true });
        }
    }
}
