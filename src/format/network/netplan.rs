//! netplan's version 2, as cloud-init 22.4 and newer take it for network-config and hand it to netplan.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::bundle::Network;
use crate::bundle::network::{Device, Kind};
use crate::yaml::{self, YamlError};

#[derive(Default, Serialize)]
struct NetworkConfig<'a> {
    version: u8,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    ethernets: BTreeMap<&'a str, Ethernet<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bonds: BTreeMap<&'a str, Bond<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    bridges: BTreeMap<&'a str, Bridge<'a>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    vlans: BTreeMap<&'a str, Vlan<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Ethernet<'a> {
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    matches: Option<Match<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set_name: Option<&'a str>,
    #[serde(flatten)]
    common: Common<'a>,
}

#[derive(Serialize)]
struct Match<'a> {
    macaddress: &'a str,
}

#[derive(Serialize)]
struct Bond<'a> {
    interfaces: &'a [String],
    parameters: BondParameters<'a>,
    #[serde(flatten)]
    common: Common<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct BondParameters<'a> {
    mode: &'a str,
    // Text: cloud-init's own schema refuses a number.
    mii_monitor_interval: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lacp_rate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transmit_hash_policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary: Option<&'a str>,
}

#[derive(Serialize)]
struct Bridge<'a> {
    interfaces: &'a [String],
    parameters: BridgeParameters,
    #[serde(flatten)]
    common: Common<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct BridgeParameters {
    stp: bool,
    // And here it refuses text.
    forward_delay: u8,
}

#[derive(Serialize)]
struct Vlan<'a> {
    id: u16,
    link: &'a str,
    #[serde(flatten)]
    common: Common<'a>,
}

#[derive(Serialize)]
struct Common<'a> {
    dhcp4: bool,
    dhcp6: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    routes: Vec<Route>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nameservers: Option<Nameservers<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u16>,
}

#[derive(Serialize)]
struct Route {
    // Never `default`: older renderers of cloud-init's do not know it.
    to: String,
    via: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<u32>,
}

#[derive(Serialize)]
struct Nameservers<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    search: &'a [String],
}

/// network-config.
///
/// # Errors
/// [`YamlError`] when a value cannot be written: a bug.
pub fn network_config(network: &Network) -> Result<String, YamlError> {
    let mut config = NetworkConfig { version: 2, ..NetworkConfig::default() };
    for device in &network.devices {
        let (name, common) = (device.name.as_str(), common(device));
        match &device.kind {
            Kind::Ethernet { mac, set_name } => {
                let matches = mac.as_deref().map(|macaddress| Match { macaddress });
                config.ethernets.insert(name, Ethernet { matches, set_name: set_name.as_deref(), common });
            }
            Kind::Bond { interfaces, parameters } => {
                let parameters = BondParameters {
                    mode: parameters.mode,
                    mii_monitor_interval: parameters.mii_monitor_interval.to_string(),
                    lacp_rate: parameters.lacp_rate.map(|rate| rate.value),
                    transmit_hash_policy: parameters.transmit_hash_policy,
                    primary: parameters.primary.as_ref().map(|name| name.as_str()),
                };
                config.bonds.insert(name, Bond { interfaces, parameters, common });
            }
            Kind::Bridge { interfaces, parameters } => {
                let parameters =
                    BridgeParameters { stp: parameters.stp, forward_delay: parameters.forward_delay.value };
                config.bridges.insert(name, Bridge { interfaces, parameters, common });
            }
            Kind::Vlan { id, link } => {
                config.vlans.insert(name, Vlan { id: *id, link, common });
            }
        }
    }
    yaml::to_string("network-config", &config)
}

fn common(device: &Device) -> Common<'_> {
    let route = |route: &crate::bundle::network::Route| Route {
        to: route.to.to_string(),
        via: route.via.to_string(),
        metric: route.metric,
    };
    Common {
        dhcp4: device.dhcp4,
        dhcp6: device.dhcp6,
        addresses: device.addresses.iter().map(ToString::to_string).collect(),
        routes: device.routes.iter().map(route).collect(),
        nameservers: (!device.nameservers.is_empty() || !device.search.is_empty()).then(|| Nameservers {
            addresses: device.nameservers.iter().map(ToString::to_string).collect(),
            search: &device.search,
        }),
        mtu: device.mtu,
    }
}
