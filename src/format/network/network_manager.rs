//! NetworkManager's keyfiles, for Fedora CoreOS and its like: one connection a device, as NetworkManager 1.42 and newer
//! read it.

use std::net::IpAddr;

use sha2::{Digest, Sha256};

use crate::bundle::network::{Device, Kind};
use crate::bundle::{File, Network};

use super::{Ini, networkd};

/// Every file, device by device: connections, and what makes udev rename NICs.
#[must_use]
pub fn files(network: &Network) -> Vec<File> {
    let of = |device| networkd::link(device).into_iter().chain([keyfile(network, device)]);
    network.devices.iter().flat_map(of).collect()
}

fn keyfile(network: &Network, device: &Device) -> File {
    let mut text = Ini::default();
    connection(&mut text, network, device);

    let mac = match &device.kind {
        Kind::Ethernet { mac, .. } => mac.as_deref(),
        _ => None,
    };
    if mac.is_some() || device.mtu.is_some() {
        text.section("ethernet").set_some("mac-address", mac).set_some("mtu", device.mtu);
    }
    match &device.kind {
        Kind::Ethernet { .. } => {}
        Kind::Bond { parameters, .. } => {
            let primary = parameters.primary.as_ref().map(|name| interface(network, name.as_str()));
            text.section("bond")
                .set("mode", parameters.mode)
                .set("miimon", parameters.mii_monitor_interval)
                .set_some("lacp_rate", parameters.lacp_rate)
                .set_some("xmit_hash_policy", parameters.transmit_hash_policy)
                .set_some("primary", primary);
        }
        Kind::Bridge { parameters, .. } => {
            text.section("bridge").set("stp", parameters.stp).set("forward-delay", parameters.forward_delay);
        }
        Kind::Vlan { id, link } => {
            // Of flags it has two defaults, by who asks; 1 is the kernel's.
            text.section("vlan").set("id", id).set("parent", interface(network, link)).set("flags", 1);
        }
    }
    // What a member has, its bond or bridge has.
    if network.controller(&device.name).is_none() {
        addresses(&mut text, device, Family::V4);
        addresses(&mut text, device, Family::V6);
    }
    let path = format!("/etc/NetworkManager/system-connections/hagen-{}.nmconnection", device.name);
    // Others may read none of them, or NetworkManager does not either.
    File::of_root(path, 0o600, text.0)
}

fn connection(text: &mut Ini, network: &Network, device: &Device) {
    // By its address alone, so that a NIC that could not be renamed has its network all the same.
    let by_name = !matches!(device.kind, Kind::Ethernet { mac: Some(_), .. });
    text.section("connection")
        .set("id", &device.name)
        .set("uuid", uuid(network, &device.name))
        .set("type", device.kind.name())
        .set_some("interface-name", by_name.then_some(&device.name))
        // For ever: switches and DHCP servers may be up later than the machine.
        .set("autoconnect-retries", 0);
    if let Some(controller) = network.controller(&device.name) {
        // Since 1.46 they are called controller and port-type; these names are read by all.
        text.set("master", &controller.name).set("slave-type", controller.kind.name());
    }
}

/// What NetworkManager calls a device of ours: the interface, or its connection where the name is not known.
fn interface(network: &Network, name: &str) -> String {
    network.device(name).and_then(Device::interface_name).map_or_else(|| uuid(network, name), str::to_owned)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn has(self, address: &IpAddr) -> bool {
        address.is_ipv4() == (self == Self::V4)
    }

    /// The metric of a route without one, which NetworkManager would choose by the kind of the device.
    const fn kernel_metric(self) -> u32 {
        match self {
            Self::V4 => 0,
            Self::V6 => 1024,
        }
    }
}

/// NetworkManager's `method`.
fn method(device: &Device, family: Family) -> &'static str {
    let is_static = |family: Family| device.addresses.iter().any(|address| family.has(&address.addr()));
    match family {
        Family::V4 if device.dhcp4 => "auto",
        Family::V6 if device.dhcp6 => "auto",
        _ if is_static(family) => "manual",
        Family::V4 => "disabled",
        // Takes what routers announce, as the others do. Where nothing else gives the device an address, and beside a
        // static one, NetworkManager 1.52 takes the device down again when it hears no router.
        Family::V6 if method(device, Family::V4) != "disabled" => "auto",
        Family::V6 => "link-local",
    }
}

fn addresses(text: &mut Ini, device: &Device, family: Family) {
    let method = method(device, family);
    text.section(if family == Family::V4 { "ipv4" } else { "ipv6" }).set("method", method);
    let own = device.addresses.iter().filter(|address| family.has(&address.addr()));
    for (index, address) in own.enumerate() {
        text.set(&format!("address{}", index + 1), address);
        if index == 0 && family == Family::V4 {
            // Newer ones first ask whether anybody has the address, and wait where there is no carrier.
            text.set("dad-timeout", 0);
        }
    }
    if method == "auto" {
        let dhcp = device.dhcp4 || device.dhcp6;
        text.set("route-metric", if dhcp { super::DHCP_METRIC } else { family.kernel_metric() });
    }
    for (index, route) in device.routes.iter().filter(|route| family.has(&route.via)).enumerate() {
        let metric = route.metric.unwrap_or(family.kernel_metric());
        text.set(&format!("route{}", index + 1), format_args!("{},{},{metric}", route.to, route.via));
    }
    // It takes names of no family that the device does not have, and asks no server of a family without search domains,
    // unless its default route is there.
    if matches!(method, "auto" | "manual") {
        let servers = device.nameservers.iter().filter(|server| family.has(server));
        let servers: String = servers.map(|server| format!("{server};")).collect();
        text.set_some("dns", Some(servers).filter(|servers| !servers.is_empty()));
        if !device.search.is_empty() {
            text.set("dns-search", format_args!("{};", device.search.join(";")));
        }
    }
}

/// A connection's UUID: NetworkManager wants one, and the same input gives the same (version 8 of RFC 9562).
fn uuid(network: &Network, device: &str) -> String {
    let digest = Sha256::digest(format!("hagen connection {}/{device}", network.machine));
    let mut number = digest.iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    number = number & !(0xf << 76) | 8 << 76;
    number = number & !(0b11 << 62) | 0b10 << 62;
    let text = format!("{number:032x}");
    [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
}
