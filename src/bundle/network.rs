//! The machine's network: devices of four kinds, one of which holds the node's address. Knows no format.
//!
//! A cluster and a node come in. `mac` and `interface` become one NIC; what all machines share is on the device that
//! holds the address.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::cluster::{Cluster, Node};
use crate::config::schema::{self, BondParameters, BridgeParameters, DeviceKind};

/// The devices of one machine.
#[derive(Debug, Clone)]
pub struct Network {
    /// Whose they are: `cluster/node`.
    pub machine: String,
    /// In the document's order.
    pub devices: Vec<Device>,
}

/// One device.
#[derive(Debug, Clone)]
pub struct Device {
    /// What others call it: the interface's name, unless it is matched by MAC address.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Whether it asks for an IPv4 address.
    pub dhcp4: bool,
    /// Whether it asks for an IPv6 address.
    pub dhcp6: bool,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
    /// Routes that lead through it.
    pub routes: Vec<Route>,
    /// Name servers.
    pub nameservers: Vec<IpAddr>,
    /// Search domains.
    pub search: Vec<String>,
    /// Largest packet, in bytes.
    pub mtu: Option<u16>,
}

/// What a device is.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A NIC.
    Ethernet {
        /// The hardware address that it is matched by; lower-case, with colons.
        mac: Option<String>,
        /// The name that it gets; only with `mac`.
        set_name: Option<String>,
    },
    /// Several NICs as one.
    Bond {
        /// Its members.
        interfaces: Vec<String>,
        /// How it works.
        parameters: BondParameters,
    },
    /// A switch inside the machine.
    Bridge {
        /// Its members.
        interfaces: Vec<String>,
        /// How it works.
        parameters: BridgeParameters,
    },
    /// A tagged network on another device.
    Vlan {
        /// The tag.
        id: u16,
        /// The device whose packets carry it.
        link: String,
    },
}

impl Kind {
    /// What systemd-networkd and NetworkManager both call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Ethernet { .. } => "ethernet",
            Self::Bond { .. } => "bond",
            Self::Bridge { .. } => "bridge",
            Self::Vlan { .. } => "vlan",
        }
    }
}

/// A route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Where it leads; a default route has a range of length 0.
    pub to: IpNet,
    /// The gateway.
    pub via: IpAddr,
    /// Of two to one range the lower one wins; `None` is the kernel's own, 0 or in IPv6 1024.
    pub metric: Option<u32>,
}

impl Network {
    /// The network of a node; none leaves the address to the image, or to DHCP.
    #[must_use]
    pub fn of(cluster: &Cluster<'_>, node: &Node<'_>) -> Option<Self> {
        let declared = node.declared;
        let mut devices: Vec<Device> = declared.network.iter().map(Device::from).collect();
        let holder = if devices.is_empty() {
            devices.push(only_nic(declared)?);
            devices.first_mut()
        } else {
            let holder = declared.address_device().map(|device| device.name.as_str());
            devices.iter_mut().find(|device| Some(device.name.as_str()) == holder)
        };
        if let Some(holder) = holder {
            holder.complete(declared.address.value, &cluster.document.network);
        }
        Some(Self { machine: format!("{}/{}", cluster.name(), node.name()), devices })
    }

    /// The bond or bridge that a device is a member of.
    #[must_use]
    pub fn controller(&self, name: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.members().iter().any(|member| member == name))
    }

    /// The VLANs on a device.
    pub fn vlans(&self, name: &str) -> impl Iterator<Item = &Device> {
        self.devices.iter().filter(move |device| matches!(&device.kind, Kind::Vlan { link, .. } if link == name))
    }

    /// The device of that name.
    #[must_use]
    pub fn device(&self, name: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.name == name)
    }
}

/// `mac` and `interface` of a node without `network`.
fn only_nic(node: &schema::Node) -> Option<Device> {
    let (mac, interface) = (node.mac.as_ref(), node.interface.as_ref());
    mac.map(drop).or(interface.map(drop))?;
    let mac = mac.map(ToString::to_string);
    Some(Device {
        name: interface.map_or("node", |name| name.as_str()).to_owned(),
        // Only what is matched by address can be renamed.
        kind: Kind::Ethernet { set_name: interface.map(ToString::to_string).filter(|_| mac.is_some()), mac },
        dhcp4: false,
        dhcp6: false,
        addresses: Vec::new(),
        routes: Vec::new(),
        nameservers: Vec::new(),
        search: Vec::new(),
        mtu: None,
    })
}

impl Device {
    /// `interfaces` of a bond or bridge.
    #[must_use]
    pub fn members(&self) -> &[String] {
        match &self.kind {
            Kind::Bond { interfaces, .. } | Kind::Bridge { interfaces, .. } => interfaces,
            _ => &[],
        }
    }

    /// The interface's name, where it is known.
    #[must_use]
    pub fn interface_name(&self) -> Option<&str> {
        match &self.kind {
            Kind::Ethernet { mac: Some(_), set_name } => set_name.as_deref(),
            _ => Some(&self.name),
        }
    }

    /// Adds the node's address, and what all machines share as far as the device does not say it itself.
    fn complete(&mut self, address: IpNet, shared: &schema::Network) {
        if !self.addresses.contains(&address) {
            self.addresses.insert(0, address);
        }
        if let Some(gateway) = &shared.gateway {
            let default = schema::everything(gateway);
            if self.routes.iter().all(|route| route.to != default) {
                self.routes.push(Route { to: default, via: gateway.value, metric: None });
            }
        }
        if self.nameservers.is_empty() {
            self.nameservers.clone_from(&shared.nameservers);
        }
        if self.search.is_empty() {
            self.search = shared.search.iter().map(ToString::to_string).collect();
        }
        self.mtu = self.mtu.or(shared.mtu);
    }
}

impl From<&schema::Device> for Device {
    fn from(declared: &schema::Device) -> Self {
        let names = |list: &[crate::config::diagnostics::Spanned<_>]| list.iter().map(ToString::to_string).collect();
        Self {
            name: declared.name.to_string(),
            kind: match &declared.kind {
                DeviceKind::Ethernet { mac, set_name } => Kind::Ethernet {
                    mac: mac.as_ref().map(ToString::to_string),
                    set_name: set_name.as_ref().map(ToString::to_string),
                },
                DeviceKind::Bond { interfaces, parameters } => {
                    Kind::Bond { interfaces: names(interfaces), parameters: parameters.clone() }
                }
                DeviceKind::Bridge { interfaces, parameters } => {
                    Kind::Bridge { interfaces: names(interfaces), parameters: parameters.clone() }
                }
                DeviceKind::Vlan { id, link } => Kind::Vlan { id: id.value, link: link.to_string() },
            },
            dhcp4: declared.dhcp4,
            dhcp6: declared.dhcp6,
            addresses: declared.addresses.iter().map(|address| address.value).collect(),
            routes: declared.routes.iter().map(Route::from).collect(),
            nameservers: declared.nameservers.iter().map(|server| server.value).collect(),
            search: declared.search.iter().map(ToString::to_string).collect(),
            mtu: declared.mtu,
        }
    }
}

impl From<&schema::Route> for Route {
    fn from(declared: &schema::Route) -> Self {
        Self { to: declared.to.value, via: declared.via.value, metric: declared.metric }
    }
}
