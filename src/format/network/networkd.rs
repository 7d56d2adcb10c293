//! systemd-networkd's files, for systems that have it and no netplan (Flatcar). They say what netplan would make of the
//! same network; `tests/formats/network` compares the two.

use crate::bundle::network::{Device, Kind};
use crate::bundle::{File, Network};

use super::Ini;

/// What lies in /etc/systemd/network; before the files that a system brings along, for the first match counts.
const PREFIX: &str = "/etc/systemd/network/10-hagen-";

/// Every file, device by device.
#[must_use]
pub fn files(network: &Network) -> Vec<File> {
    let of = |device| {
        let network_file = file(device, "network", network_unit(network, device));
        link(device).into_iter().chain(netdev(device)).chain([network_file])
    };
    network.devices.iter().flat_map(of).collect()
}

fn file(device: &Device, kind: &str, text: Ini) -> File {
    let path = format!("{PREFIX}{}.{kind}", device.name);
    File::of_root(path, 0o644, text.0)
}

/// What makes udev rename a NIC, whoever configures it then.
pub(super) fn link(device: &Device) -> Option<File> {
    let Kind::Ethernet { mac: Some(mac), set_name: Some(name) } = &device.kind else { return None };
    let mut text = Ini::default();
    // Bonds, bridges and VLANs have their members' addresses, but no permanent one.
    text.section("Match").set("PermanentMACAddress", mac);
    text.section("Link").set("Name", name);
    Some(file(device, "link", text))
}

/// What creates a device that is no NIC.
fn netdev(device: &Device) -> Option<File> {
    let mut text = Ini::default();
    text.section("NetDev").set("Name", &device.name).set("Kind", device.kind.name());
    match &device.kind {
        Kind::Ethernet { .. } => return None,
        Kind::Bond { parameters, .. } => {
            text.section("Bond")
                .set("Mode", parameters.mode)
                .set("MIIMonitorSec", format_args!("{}ms", parameters.mii_monitor_interval))
                .set_some("LACPTransmitRate", parameters.lacp_rate)
                .set_some("TransmitHashPolicy", parameters.transmit_hash_policy);
        }
        Kind::Bridge { parameters, .. } => {
            text.section("Bridge").set("STP", parameters.stp).set("ForwardDelaySec", parameters.forward_delay);
        }
        Kind::Vlan { id, .. } => {
            text.section("VLAN").set("Id", id);
        }
    }
    Some(file(device, "netdev", text))
}

fn network_unit(network: &Network, device: &Device) -> Ini {
    let controller = network.controller(&device.name);
    let mut text = Ini::default();
    // By its address alone, so that a NIC that could not be renamed has its network all the same.
    match &device.kind {
        Kind::Ethernet { mac: Some(mac), .. } => text.section("Match").set("PermanentMACAddress", mac),
        _ => text.section("Match").set("Name", &device.name),
    };

    if device.mtu.is_some() || controller.is_some() {
        text.section("Link")
            .set_some("MTUBytes", device.mtu)
            // A bond is there for the day that one of its members is not.
            .set_some("RequiredForOnline", controller.map(|_| "no"));
    }

    text.section("Network");
    match controller {
        Some(Device { name, kind: Kind::Bond { parameters, .. }, .. }) => {
            let primary = parameters.primary.as_ref().filter(|primary| primary.as_str() == device.name);
            text.set("Bond", name).set_some("PrimarySlave", primary.map(|_| true));
        }
        Some(bridge) => {
            text.set("Bridge", &bridge.name);
        }
        None => {}
    }
    let dhcp = match (device.dhcp4, device.dhcp6) {
        (false, false) => "no",
        (true, false) => "ipv4",
        (false, true) => "ipv6",
        (true, true) => "yes",
    };
    text.set("DHCP", dhcp).set("LinkLocalAddressing", if controller.is_some() { "no" } else { "ipv6" });
    for address in &device.addresses {
        text.set("Address", address);
    }
    for server in &device.nameservers {
        text.set("DNS", server);
    }
    if !device.search.is_empty() {
        text.set("Domains", device.search.join(" "));
    }
    for vlan in network.vlans(&device.name) {
        text.set("VLAN", &vlan.name);
    }
    // Switches that are off keep no machine from having its address.
    if !matches!(device.kind, Kind::Ethernet { .. }) {
        text.set("ConfigureWithoutCarrier", true);
    }

    for route in &device.routes {
        text.section("Route").set("Destination", route.to).set("Gateway", route.via).set_some("Metric", route.metric);
    }
    if device.dhcp4 {
        text.section("DHCPv4").set("RouteMetric", super::DHCP_METRIC).set("UseMTU", true);
    }
    if device.dhcp4 || device.dhcp6 {
        text.section("IPv6AcceptRA").set("RouteMetric", super::DHCP_METRIC);
    }
    text
}
