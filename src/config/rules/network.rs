//! A machine's own `network`: that its devices fit together, that the kernel takes what they say, and that one of them
//! has the node's address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use super::addresses::{is_link_local, why_unusable};
use super::{Place, Subject};
use crate::config::catalogue::Code;
use crate::config::decode::NodeDraft;
use crate::config::diagnostics::{Diagnostic, Span, Spanned};
use crate::config::schema::{Device, DeviceKind, everything};
use crate::config::values::InterfaceName;

pub(super) fn check(subject: &Subject<'_>) {
    for (node, place) in subject.nodes().filter(|(node, _)| !node.network.is_empty()) {
        let machine = Machine::new(subject, node, place.key("network"));
        machine.names();
        machine.parameters();
        machine.vlans();
        machine.loops();
        machine.members();
        // What follows asks for things that may only seem to be missing.
        if node.network_is_whole {
            machine.references();
            machine.address();
            machine.routes();
            machine.mtus();
        }
    }
}

/// One node and its devices.
struct Machine<'s, 'n> {
    subject: &'s Subject<'n>,
    node: &'n NodeDraft,
    place: Place<'n>,
    devices: &'n [Device],
    by_name: BTreeMap<&'n str, &'n Device>,
}

impl<'s, 'n> Machine<'s, 'n> {
    fn new(subject: &'s Subject<'n>, node: &'n NodeDraft, place: Place<'n>) -> Self {
        // Of two with one name, the first.
        let by_name = node.network.iter().rev().map(|device| (device.name.value.as_str(), device)).collect();
        Self { subject, node, place, devices: &node.network, by_name }
    }

    fn push(&self, diagnostic: Diagnostic) {
        self.subject.push(diagnostic);
    }

    fn find(&self, name: &InterfaceName) -> Option<&'n Device> {
        self.by_name.get(name.as_str()).copied()
    }

    fn names(&self) {
        self.subject.duplicates(
            Code::DeviceTwice,
            self.devices.iter().map(|device| (device.name.value.as_str(), device.name.span)),
            |name| format!("two devices are called `{name}`"),
            "give each device a name of its own, whatever its kind",
        );
        for name in self.devices.iter().map(|device| &device.name).filter(|name| name.as_str() == "lo") {
            self.push(
                Diagnostic::error(Code::DeviceTwice, name.span, "`lo` is every machine's own loopback")
                    .help("give the addresses to another device"),
            );
        }
        // What is matched by address has another name, or will have.
        let is_renamed = |device: &&Device| matches!(device.kind, DeviceKind::Ethernet { mac: Some(_), .. });
        let found = self.devices.iter().filter(|device| !is_renamed(device)).map(|device| &device.name);
        let mut taken: BTreeMap<&str, Span> = found.map(|name| (name.value.as_str(), name.span)).collect();
        for device in self.devices {
            let DeviceKind::Ethernet { mac, set_name: Some(name) } = &device.kind else { continue };
            if mac.is_none() {
                self.push(
                    Diagnostic::error(
                        Code::SetNameWithoutMatch,
                        name.span,
                        format!("`{}` is to be renamed, but is found by its name", device.name),
                    )
                    .help("add `match: {macaddress: 52:54:00:00:00:0b}`, or remove `set-name`"),
                );
            } else if let Some(other) = taken.insert(name.value.as_str(), name.span) {
                self.push(
                    Diagnostic::error(Code::DeviceTwice, name.span, format!("two devices would be called `{name}`"))
                        .also(other, "the other one")
                        .help("give each device a name of its own"),
                );
            }
        }
    }

    fn parameters(&self) {
        let refuse = |span, message: String, help: &str| {
            self.push(Diagnostic::error(Code::DeviceParameter, span, message).help(help));
        };
        for device in self.devices {
            match &device.kind {
                DeviceKind::Bond { interfaces, parameters } => {
                    let mode = parameters.mode;
                    if let Some(rate) = parameters.lacp_rate.filter(|_| mode != "802.3ad") {
                        let message = format!("mode `{mode}` has no `lacp-rate`");
                        refuse(rate.span, message, "remove it, or write `mode: 802.3ad`");
                    }
                    let Some(primary) = &parameters.primary else { continue };
                    if !["active-backup", "balance-tlb", "balance-alb"].contains(&mode) {
                        let message = format!("mode `{mode}` has no `primary`");
                        refuse(primary.span, message, "remove it, or write `mode: active-backup`");
                    } else if interfaces.iter().all(|member| member.value != primary.value) {
                        if self.node.network_is_whole {
                            let message = format!("`primary` is `{primary}`, which is no member of `{}`", device.name);
                            refuse(primary.span, message, "name one of `interfaces`");
                        }
                    } else if self.find(primary).is_some_and(|member| member.interface_name().is_none()) {
                        let message = format!("`primary` is `{primary}`, whose interface has a name of its own");
                        refuse(primary.span, message, "add `set-name` beside `match`: the kernel wants the name");
                    }
                }
                DeviceKind::Bridge { parameters, .. } if parameters.stp && parameters.forward_delay.value < 2 => {
                    let message = format!("a `forward-delay` of {} s is too short for `stp`", parameters.forward_delay);
                    let help = "write at least 2, or `stp: false`, which needs no delay";
                    refuse(parameters.forward_delay.span, message, help);
                }
                _ => {}
            }
        }
    }

    fn vlans(&self) {
        let vlan = |device: &'n Device| match &device.kind {
            DeviceKind::Vlan { id, link } => Some(((link.value.as_str(), id.value), id.span)),
            _ => None,
        };
        self.subject.duplicates(
            Code::DuplicateVlan,
            self.devices.iter().filter_map(vlan),
            |(link, id)| format!("two VLANs on `{link}` have the tag {id}"),
            "give both addresses to one of the two",
        );
    }

    /// What a device stands on.
    fn below(device: &Device) -> impl Iterator<Item = &Spanned<InterfaceName>> {
        let link = match &device.kind {
            DeviceKind::Vlan { link, .. } => Some(link),
            _ => None,
        };
        device.members().iter().chain(link)
    }

    /// Takes away what stands on nothing that is left, again and again; from what then is left there is no way down.
    fn loops(&self) {
        let mut above: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
        let mut left: BTreeMap<&str, usize> = BTreeMap::new();
        for device in self.by_name.values() {
            let below = Self::below(device).filter(|name| self.find(name).is_some());
            let count = below.inspect(|name| above.entry(name.value.as_str()).or_default().push(device)).count();
            left.insert(device.name.value.as_str(), count);
        }
        let mut ground: Vec<&str> = left.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
        while let Some(name) = ground.pop() {
            left.remove(name);
            for device in above.get(name).into_iter().flatten() {
                let name = device.name.value.as_str();
                if let Some(count) = left.get_mut(name) {
                    *count -= 1;
                    if *count == 0 {
                        ground.push(name);
                    }
                }
            }
        }
        // Down from any of them until one comes again.
        let mut way: Vec<&Spanned<InterfaceName>> = Vec::new();
        let mut next = self.devices.iter().find(|device| left.contains_key(device.name.value.as_str()));
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        while let Some(device) = next {
            let Some(step) = Self::below(device).find(|name| left.contains_key(name.value.as_str())) else { return };
            if let Some(start) = seen.insert(device.name.value.as_str(), way.len()) {
                let names: Vec<String> = way[start..].iter().map(|name| format!("`{name}`")).collect();
                let message = format!("`{}` stands on {}", device.name, names.join(", which stands on "));
                self.push(
                    Diagnostic::error(Code::DeviceLoop, way[start].span, message)
                        .help("a VLAN's link and the members of a bond or bridge lead to NICs in the end"),
                );
                return;
            }
            way.push(step);
            next = self.find(step);
        }
    }

    fn members(&self) {
        let mut used: BTreeMap<&str, (&Device, Span)> = BTreeMap::new();
        for controller in self.devices {
            for name in controller.members() {
                if let Some((_, first)) = used.insert(name.value.as_str(), (controller, name.span)) {
                    self.push(
                        Diagnostic::error(Code::MemberTwice, name.span, format!("`{name}` is a member twice"))
                            .also(first, "first here")
                            .help("a device belongs to one bond or one bridge"),
                    );
                    continue;
                }
                if let Some(member) = self.find(name) {
                    self.member(controller, name.span, member);
                }
            }
        }
        if let Some((name, (controller, span))) =
            self.node.interface.as_ref().and_then(|name| Some((name, used.get(name.value.as_str())?)))
        {
            let message = format!("`{name}` is a member of `{}`, and is to get the node's address", controller.name);
            self.push(
                Diagnostic::error(Code::UnusableSettings, name.span, message)
                    .also(*span, "a member here")
                    .help(format!("write `interface: {}`", controller.name)),
            );
        }
        for device in self.devices {
            let names = !device.nameservers.is_empty() || !device.search.is_empty();
            let is_reached = device.dhcp4 || device.dhcp6 || !device.addresses.is_empty();
            let is_complete = self.node.network_is_whole && self.node.interface.is_none();
            if names && !is_reached && is_complete && !used.contains_key(device.name.value.as_str()) {
                let place = device.nameservers.first().map_or(device.name.span, |server| server.span);
                let message = format!("`{}` has nameservers, but no address", device.name);
                self.push(
                    Diagnostic::error(Code::UnusableSettings, place, message)
                        .help("give them to a device that has an address, or DHCP"),
                );
            }
        }
    }

    fn member(&self, controller: &Device, place: Span, member: &Device) {
        let (name, of) = (&member.name, &controller.name);
        let bad = match (&controller.kind, &member.kind) {
            (DeviceKind::Bridge { .. }, DeviceKind::Bridge { .. }) => Some("a bridge takes no bridge"),
            (DeviceKind::Bond { .. }, DeviceKind::Bridge { .. }) => Some("a bond takes no bridge"),
            (DeviceKind::Bond { .. }, DeviceKind::Bond { .. }) => Some("a bond takes no bond"),
            _ => None,
        };
        if let Some(why) = bad {
            self.push(
                Diagnostic::error(Code::BadMember, place, format!("`{name}` cannot be a member of `{of}`"))
                    .also(name.span, "it is this one")
                    .help(format!("{why}: name the NICs themselves")),
            );
        }
        let settings = [
            ("DHCP", member.dhcp4 || member.dhcp6),
            ("addresses", !member.addresses.is_empty()),
            ("routes", !member.routes.is_empty()),
            ("nameservers", !member.nameservers.is_empty() || !member.search.is_empty()),
        ];
        if let Some((what, _)) = settings.into_iter().find(|(_, given)| *given) {
            let message = format!("`{name}` has {what} of its own, but is a member of `{of}`");
            self.push(
                Diagnostic::error(Code::UnusableSettings, name.span, message)
                    .also(place, "a member here")
                    .help(format!("give them to `{of}`: a member has none")),
            );
        }
    }

    fn references(&self) {
        let unknown = |name: &Spanned<InterfaceName>, what: &str, help: String| {
            let message = format!("{what} `{name}`, which is not in `network`");
            self.push(Diagnostic::error(Code::UnknownDevice, name.span, message).help(help));
        };
        for device in self.devices {
            let what = match &device.kind {
                DeviceKind::Bond { .. } => "the bond has the member",
                DeviceKind::Bridge { .. } => "the bridge has the member",
                _ => "the VLAN is on",
            };
            for name in Self::below(device).filter(|name| self.find(name).is_none()) {
                unknown(name, what, format!("add `ethernets: {{{name}: {{}}}}`, or correct the name"));
            }
            let kind = match &device.kind {
                DeviceKind::Bond { .. } => "bond",
                DeviceKind::Bridge { .. } => "bridge",
                _ => continue,
            };
            if device.members().is_empty() {
                let message = format!("the {kind} `{}` has no members", device.name);
                let help = "name them: `interfaces: [eth0]`";
                self.push(Diagnostic::error(Code::NoMembers, device.name.span, message).help(help));
            }
        }
        if let Some(name) = self.node.interface.as_ref().filter(|name| self.find(name).is_none()) {
            unknown(name, "the node's address goes to", "name a key of `network`".to_owned());
        }
    }

    fn address(&self) {
        if let Some(mac) = &self.node.mac {
            self.push(
                Diagnostic::error(Code::MacBesideNetwork, mac.span, "`mac` stands beside `network`")
                    .also(self.place.key, "which says it for each NIC")
                    .help(format!("write it as `ethernets: {{NAME: {{match: {{macaddress: {mac}}}}}}}`")),
            );
        }
        let Some(address) = self.node.address else { return };
        let Some(device) = self.node.address_device() else {
            // An `interface` that is not there was reported.
            if self.node.interface.is_none() && !self.node.trusts_dhcp() {
                let message = format!("no device of `network` has the node's address {}", address.value);
                self.push(
                    Diagnostic::error(Code::AddressDevice, address.span, message)
                        .also(self.place.key, "the devices")
                        .help("name its device in `interface`, or list the address under that device's `addresses`"),
                );
            }
            return;
        };
        for own in device.addresses.iter().filter(|own| own.addr() == address.addr() && own.value != address.value) {
            let message = format!("`{}` has the node's address with another prefix length", device.name);
            self.push(
                Diagnostic::error(Code::AddressDevice, own.span, message)
                    .also(address.span, "the node's address")
                    .help("write the same in both places"),
            );
        }
    }

    /// The routes of all devices, and the cluster's gateway on the device with the node's address.
    fn routes(&self) {
        let holder = self.node.address_device();
        let shared = self
            .subject
            .draft
            .network
            .gateway
            .filter(|gateway| holder.is_some_and(|device| !device.has_default_route(gateway)));
        let own = |device: &'n Device| {
            device.routes.iter().map(|route| ((route.to.value, metric(&route.to, route.metric)), route.to.span))
        };
        let shared = shared.map(|gateway| {
            let to = everything(&gateway);
            ((to, metric(&to, None)), gateway.span)
        });
        self.subject.duplicates(
            Code::DuplicateRoute,
            shared.into_iter().chain(self.devices.iter().flat_map(own)),
            |(to, _)| format!("two routes lead to {to}, with the same metric"),
            "give one of the two another `metric`: the lower one is taken while its device works",
        );
        for device in self.devices {
            let address =
                self.node.address.filter(|_| holder.is_some_and(|holder| holder.name.value == device.name.value));
            let nets: Vec<IpNet> = device.addresses.iter().chain(&address).map(|net| net.value).collect();
            for route in &device.routes {
                self.gateway(device, &nets, route.to, route.via);
            }
        }
    }

    fn gateway(&self, device: &Device, nets: &[IpNet], to: Spanned<IpNet>, via: Spanned<IpAddr>) {
        if to.addr().is_ipv4() != via.is_ipv4() {
            let message = format!("the gateway {} is of another family than {}", via.value, to.value);
            self.push(
                Diagnostic::error(Code::RouteGateway, via.span, message)
                    .also(to.span, "the route")
                    .help("an IPv4 route has an IPv4 gateway, an IPv6 route one of IPv6"),
            );
        } else if nets.iter().any(|net| net.addr() == via.value) {
            let message = format!("`{}` has the address of its own gateway", device.name);
            self.push(
                Diagnostic::error(Code::AddressIsGateway, via.span, message)
                    .help("name the router: a machine is not its own gateway"),
            );
        } else if via.is_ipv6() && is_link_local(via.value) || device.has_dhcp(&via) {
            // In every subnet; or in one that nobody knows yet.
        } else if let Some(why) = why_unusable(via.value).filter(|_| !is_link_local(via.value)) {
            let message = format!("{} is {why}, and cannot be a gateway", via.value);
            self.push(
                Diagnostic::error(Code::UnusableAddress, via.span, message)
                    .help("use an address of the device's own subnet, as in `10.9.0.1`"),
            );
        } else if !nets.iter().any(|net| net.contains(&via.value)) {
            let message = format!("the gateway {} is in no subnet of `{}`", via.value, device.name);
            self.push(
                Diagnostic::error(Code::RouteGateway, via.span, message).also(device.name.span, "the device").help(
                    "a machine reaches its gateway directly: use one of the device's subnets, or correct its addresses",
                ),
            );
        }
    }

    fn mtus(&self) {
        const ETHERNET: u16 = 1500;
        let shared = self.subject.draft.network.mtu;
        let holder = self.node.address_device().map(|device| device.name.value.as_str());
        let mtu = |device: &Device| device.mtu.or(shared.filter(|_| holder == Some(device.name.value.as_str())));
        for device in self.devices {
            let DeviceKind::Vlan { link, .. } = &device.kind else { continue };
            let (Some(own), Some(parent)) = (mtu(device), self.find(link)) else { continue };
            let most = mtu(parent).unwrap_or(ETHERNET);
            if own > most {
                let message = format!("`{}` is to have an MTU of {own}, and its link `{link}` has {most}", device.name);
                self.push(
                    Diagnostic::error(Code::VlanMtu, device.name.span, message)
                        .also(parent.name.span, "its link")
                        .help(format!("give `{link}` an `mtu` of {own} as well")),
                );
            }
        }
    }
}

/// A route's metric, as the kernel sees it.
fn metric(to: &IpNet, metric: Option<u32>) -> u32 {
    match metric.unwrap_or_default() {
        0 if to.addr().is_ipv6() => 1024,
        metric => metric,
    }
}
