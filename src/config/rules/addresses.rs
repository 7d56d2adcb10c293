//! Addresses: VIP, gateway and nodes, and that each can do its work on one layer 2 network.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::Subject;
use super::ranges::{family, overlap};
use crate::config::catalogue::Code;
use crate::config::diagnostics::{Diagnostic, Span, Spanned};
use crate::config::schema::{Device, Role};

pub(super) fn check(subject: &Subject<'_>) {
    unusable(subject);
    not_hosts(subject);
    gateway(subject);
    vip_subnet(subject);
    vip_taken(subject);
    vip_ranges(subject);
    static_machines(subject);
    unused_network(subject);
    nameservers(subject);
}

/// The nodes whose name, role and address are known as far as needed, in the document's order.
fn addresses<'n>(subject: &Subject<'n>) -> impl Iterator<Item = (Spanned<IpNet>, Option<Role>, &'n str)> {
    subject.nodes().filter_map(|(node, _)| {
        let name = node.name.as_ref().map_or("?", |name| name.value.as_str());
        Some((node.address?, node.role.map(|role| role.value), name))
    })
}

pub(super) fn is_link_local(address: IpAddr) -> bool {
    why_unusable(address) == Some(LINK_LOCAL)
}

const LINK_LOCAL: &str = "a link-local address";

/// Why no machine can be reached at an address.
pub(super) fn why_unusable(address: IpAddr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("the unspecified address");
    }
    if address.is_loopback() {
        return Some("a loopback address");
    }
    if address.is_multicast() {
        return Some("a multicast address");
    }
    match address {
        IpAddr::V4(v4) if v4.is_link_local() => Some(LINK_LOCAL),
        IpAddr::V4(v4) if v4.is_broadcast() || v4.octets()[0] >= 240 || v4.octets()[0] == 0 => {
            Some("a reserved address")
        }
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(LINK_LOCAL),
        _ => None,
    }
}

fn unusable(subject: &Subject<'_>) {
    let refuse = |address: IpAddr, span: Span, what: &str| {
        if let Some(why) = why_unusable(address) {
            let message = format!("{address} is {why}, and cannot be {what}");
            subject.push(
                Diagnostic::error(Code::UnusableAddress, span, message)
                    .help("use an address of the machines' network, as in `10.9.0.10` or `fd00::10`"),
            );
        }
    };
    if let Some(vip) = subject.draft.vip {
        refuse(vip.value, vip.span, "the VIP");
    }
    // fe80:: is a usual gateway in IPv6.
    if let Some(gateway) = subject.draft.network.gateway.filter(|gateway| !is_link_local(gateway.value)) {
        refuse(gateway.value, gateway.span, "the gateway");
    }
    for (address, ..) in addresses(subject) {
        refuse(address.addr(), address.span, "a node's address");
    }
    for address in other_addresses(subject).filter(|address| !is_link_local(address.addr())) {
        refuse(address.addr(), address.span, "a device's address");
    }
}

/// Which address of its subnet one is that no machine can have.
fn edge(address: IpAddr, net: &IpNet) -> Option<&'static str> {
    let hosts = net.max_prefix_len() - net.prefix_len();
    // RFC 3021 and RFC 6164: links of two addresses have no edges.
    if hosts <= 1 || !net.contains(&address) {
        return None;
    }
    match address {
        _ if address == net.network() && address.is_ipv4() => Some("the network address"),
        _ if address == net.network() => Some("the routers' anycast address"),
        IpAddr::V4(_) if address == net.broadcast() => Some("the broadcast address"),
        _ => None,
    }
}

fn not_hosts(subject: &Subject<'_>) {
    let refuse = |address: IpAddr, net: IpNet, span: Span| {
        if let Some(what) = edge(address, &net) {
            let message = format!("{address} is {what} of {}", net.trunc());
            let help = "choose an address between the first and the last of the subnet";
            subject.push(Diagnostic::error(Code::NotAHostAddress, span, message).help(help));
        }
    };
    for address in addresses(subject).map(|(address, ..)| address).chain(other_addresses(subject)) {
        refuse(address.addr(), address.value, address.span);
    }
    if let Some((vip, net)) =
        subject.draft.vip.and_then(|vip| Some((vip, addresses(subject).find(|(net, ..)| net.contains(&vip.value))?.0)))
    {
        refuse(vip.value, net.value, vip.span);
    }
    if let Some((gateway, net)) = subject.draft.network.gateway.and_then(|gateway| {
        Some((gateway, addresses(subject).find(|(net, ..)| net.contains(&gateway.value) && gateway.is_ipv4())?.0))
    }) {
        refuse(gateway.value, net.value, gateway.span);
    }
}

/// What devices have besides the nodes' addresses.
fn other_addresses<'n>(subject: &Subject<'n>) -> impl Iterator<Item = Spanned<IpNet>> {
    subject.nodes().flat_map(|(node, _)| node.other_addresses().map(|(address, _)| address))
}

fn gateway(subject: &Subject<'_>) {
    let Some(gateway) = subject.draft.network.gateway else { return };
    let mut outside = BTreeSet::new();
    for (address, _, name) in addresses(subject) {
        if address.addr() == gateway.value {
            subject.push(
                Diagnostic::error(Code::AddressIsGateway, address.span, format!("`{name}` has the gateway's address"))
                    .also(gateway.span, "the gateway")
                    .help("give the node an address of its own"),
            );
        }
    }
    for address in other_addresses(subject).filter(|address| address.addr() == gateway.value) {
        subject.push(
            Diagnostic::error(Code::AddressIsGateway, address.span, "a device has the gateway's address")
                .also(gateway.span, "the gateway")
                .help("give the device an address of its own"),
        );
    }
    // Machines that get no address from here get their routes elsewhere.
    let anybody = subject.nodes().any(|(node, _)| node.address_key().is_some());
    for (node, _) in subject.nodes() {
        let name = node.name.as_ref().map_or("?", |name| name.value.as_str());
        let Some(address) = node.address else { continue };
        if anybody && node.address_key().is_none() {
            continue;
        }
        let device = node.address_device();
        // With a default route of its own it does not get this one; with DHCP its subnets cannot be known.
        if device.is_some_and(|device| device.has_default_route(&gateway) || device.has_dhcp(&gateway)) {
            continue;
        }
        // One message a subnet, not one a node. A link-local gateway is in every IPv6 subnet.
        let link_local = matches!(gateway.value, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let more = device.into_iter().flat_map(|device| &device.addresses);
        let reachable = more
            .chain([&address])
            .any(|net| if link_local { net.addr().is_ipv6() } else { net.contains(&gateway.value) });
        if !reachable && outside.insert(address.trunc()) {
            let message =
                format!("the gateway {} is outside the subnet {} of `{name}`", gateway.value, address.trunc());
            subject.push(
                Diagnostic::error(Code::GatewayOutsideSubnet, gateway.span, message)
                    .also(address.span, format!("`{name}` is in {}", address.trunc()))
                    .help("a machine reaches its gateway directly: use one of its own subnet, or correct the prefix length"),
            );
        }
    }
}

fn vip_subnet(subject: &Subject<'_>) {
    const HELP: &str = "kube-vip in ARP mode can only announce an address of the nodes' own subnet";
    let Some(vip) = subject.draft.vip.filter(|vip| why_unusable(vip.value).is_none()) else { return };
    let planes: Vec<_> = addresses(subject).filter(|(_, role, _)| *role == Some(Role::ControlPlane)).collect();
    let outside = |net: &IpNet| !net.contains(&vip.value);
    match planes.first() {
        None => return,
        Some((first, _, name)) if planes.iter().all(|(net, ..)| outside(net)) => {
            let message = format!("the VIP {} is outside the control planes' subnet {}", vip.value, first.trunc());
            subject.push(
                Diagnostic::error(Code::VipOutsideSubnet, vip.span, message)
                    .label("this address")
                    .also(first.span, format!("`{name}` is in {}", first.trunc()))
                    .help(HELP),
            );
            return;
        }
        Some(_) => {}
    }
    // An address that nobody can have was reported as such.
    let usable = |net: &IpNet| why_unusable(net.addr()).is_none();
    // Nor one of the other family, which is worse.
    let reachable = |net: &IpNet| net.addr().is_ipv4() == vip.is_ipv4();
    for (net, role, name) in addresses(subject).filter(|(net, ..)| usable(net) && reachable(net) && outside(net)) {
        let message = format!("`{name}` is in {}, which does not hold the VIP {}", net.trunc(), vip.value);
        let diagnostic = match role {
            Some(Role::ControlPlane) => Diagnostic::error(Code::NodeOutsideVipSubnet, net.span, message)
                .help("a control plane of another subnet cannot take the VIP over"),
            Some(Role::Worker) => Diagnostic::warning(Code::NodeOutsideVipSubnet, net.span, message)
                .help("the worker reaches the API only if a router connects the two subnets"),
            None => continue,
        };
        subject.push(diagnostic.also(vip.span, "the VIP"));
    }
}

fn vip_taken(subject: &Subject<'_>) {
    let Some(vip) = subject.draft.vip else { return };
    const HELP: &str = "the VIP moves between the control planes: choose an address that nothing else uses";
    for (address, _, name) in addresses(subject).filter(|(address, ..)| address.addr() == vip.value) {
        subject.push(
            Diagnostic::error(Code::VipTaken, vip.span, format!("the VIP {} is the address of `{name}`", vip.value))
                .also(address.span, format!("`{name}`"))
                .help(HELP),
        );
    }
    for address in other_addresses(subject).filter(|address| address.addr() == vip.value) {
        subject.push(
            Diagnostic::error(Code::VipTaken, vip.span, format!("the VIP {} is the address of a device", vip.value))
                .also(address.span, "the device's")
                .help(HELP),
        );
    }
    if let Some(gateway) = subject.draft.network.gateway.filter(|gateway| gateway.value == vip.value) {
        subject.push(
            Diagnostic::error(Code::VipTaken, vip.span, format!("the VIP {} is the gateway's address", vip.value))
                .also(gateway.span, "the gateway")
                .help(HELP),
        );
    }
}

fn vip_ranges(subject: &Subject<'_>) {
    let Some(vip) = subject.draft.vip else { return };
    let kubernetes = &subject.draft.kubernetes;
    let pods = kubernetes.pod_subnet.iter().map(|range| ("pod", range));
    let services = kubernetes.service_subnet.iter().map(|range| ("service", range));
    for (what, range) in pods.chain(services).filter(|(_, range)| range.contains(&vip.value)) {
        // When the range holds the nodes as well, that is the mistake, and was said.
        if addresses(subject).any(|(net, ..)| overlap(&net.trunc(), range)) {
            continue;
        }
        let given = subject.at(&["kubernetes", &format!("{what}Subnet")]).node.is_some();
        let default = if given { "" } else { "default " };
        let message = format!("the VIP {} is inside the {default}{what} range {}", vip.value, range.value);
        let mut diagnostic = Diagnostic::error(Code::VipInRange, vip.span, message);
        if given {
            diagnostic = diagnostic.also(range.span, format!("the {} {what} range", family(range)));
        }
        subject.push(diagnostic.help("choose an address of the nodes' subnet"));
    }
}

/// What a machine that gets its address from hagen does not get from elsewhere. A key that is written, even with
/// nothing, says that it is meant so.
fn static_machines(subject: &Subject<'_>) {
    let warn = |key, code, what: &str, help: &str, has_own: fn(&Device) -> bool| {
        if subject.at(&["network", key]).node.is_some() {
            return;
        }
        let machine = subject.nodes().find_map(|(node, place)| {
            // IPv6 routers announce themselves, and nameservers too.
            node.address.filter(|address| address.addr().is_ipv4())?;
            let key = node.address_key().filter(|_| node.network_is_whole && !node.network.iter().any(has_own))?;
            Some((place.key(key).key, key, node.name.as_ref().map_or("?", |name| name.value.as_str())))
        });
        if let Some((place, key, name)) = machine {
            let message = format!("`{name}` gets its address from the bundle (`{key}`), but no {what}");
            subject.push(Diagnostic::warning(code, place, message).help(help));
        }
    };
    warn(
        "gateway",
        Code::NoGateway,
        "gateway",
        "add `network: {gateway: 10.9.0.1}`, or `gateway: null` if it needs none",
        |device| device.dhcp4 || device.has_default_route(&IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
    );
    warn(
        "nameservers",
        Code::NoNameserver,
        "nameserver",
        "add `network: {nameservers: [10.9.0.1]}`, or `nameservers: []` if it needs none",
        |device| device.dhcp4 || device.dhcp6 || !device.nameservers.is_empty(),
    );
}

fn unused_network(subject: &Subject<'_>) {
    if subject.nodes().any(|(node, _)| node.address_key().is_some()) {
        return;
    }
    for key in ["gateway", "nameservers", "search", "mtu"] {
        let place = subject.at(&["network", key]);
        if place.node.is_some_and(|node| !node.is_empty()) {
            let message = format!("no machine uses `network.{key}`: none gets its address from its bundle");
            subject.push(
                Diagnostic::warning(Code::UnusedNetwork, place.key, message)
                    .help("give the nodes `mac`, `interface` or `network`, or leave it to their image or DHCP"),
            );
        }
    }
}

fn nameservers(subject: &Subject<'_>) {
    let kubernetes = &subject.draft.kubernetes;
    let list = subject.at(&["network", "nameservers"]);
    let shared = subject.draft.network.nameservers.iter().enumerate();
    let shared = shared.map(|(index, server)| (server, list.item(index).span));
    let own = subject.nodes().flat_map(|(node, _)| &node.network).flat_map(|device| &device.nameservers);
    for (server, place) in shared.chain(own.map(|server| (&server.value, server.span))) {
        // A machine can have its own resolver; but CoreDNS, which gets this list, would ask itself.
        if let Some(why) = why_unusable(*server) {
            let message = format!("{server} is {why}, and cannot be a nameserver");
            subject.push(
                Diagnostic::error(Code::UnusableAddress, place, message)
                    .help("name a server of the site that every machine reaches, as in `10.9.0.1`"),
            );
        }
        if let Some(vip) = subject.draft.vip.filter(|vip| vip.value == *server) {
            let message = format!("the nameserver {server} is the VIP");
            subject.push(
                Diagnostic::error(Code::VipTaken, place, message)
                    .also(vip.span, "the VIP")
                    .help("the VIP answers for the API alone: name a DNS server of the site"),
            );
        }
        let pods = kubernetes.pod_subnet.iter().map(|range| ("pod", range));
        let services = kubernetes.service_subnet.iter().map(|range| ("service", range));
        for (what, range) in pods.chain(services).filter(|(_, range)| range.contains(server)) {
            let message = format!("the nameserver {server} is inside the {what} range {}", range.value);
            subject.push(
                Diagnostic::error(Code::NameserverInRange, place, message)
                    .help("name a server of the site: machines need it before the cluster's own DNS runs"),
            );
        }
    }
}
