//! A machine's network as netplan, systemd-networkd and NetworkManager read it: the text, and that all three say the
//! same. What the real programs make of it is the business of `tests/formats/network`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use hagen::bundle::{File, Network};
use hagen::cluster::Cluster;
use hagen::config::{Input, Options, load};
use hagen::format::network::{netplan, network_manager, networkd};
use proptest::prelude::*;
use serde_json::Value;

/// The networks of a document's nodes, by their names; none may have a warning.
fn networks(text: &str) -> BTreeMap<String, Network> {
    let mut read = |_, _: &str| Err(std::io::ErrorKind::NotFound.into());
    let input = Input { name: "cluster.yaml", content: text.as_bytes() };
    let (document, warnings) =
        load(&[input], &mut read, &Options::default()).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(warnings.is_empty(), "{warnings}");
    let cluster = Cluster::resolve(&document, time::OffsetDateTime::from_unix_timestamp(support::ISSUED_AT).unwrap());
    let network = |node| Some((hagen::cluster::Node::name(node).to_owned(), Network::of(&cluster, node)?));
    cluster.nodes.iter().filter_map(network).collect()
}

const HEAD: &str = "\
name: net
kubernetes: {version: 1.36.3}
endpoint: {vip: 10.9.0.10}
network: {gateway: 10.9.0.1, nameservers: [10.9.0.1, \"fd00::1\"], search: [a.example, b.example]}
nodes:
  - name: cp1
    role: control-plane
    address: 10.9.0.11/24
";

/// One of everything.
const DEVICES: &str = "    interface: lan
    network:
      ethernets:
        one: {match: {macaddress: 52-54-00-00-00-0A}, set-name: port1}
        eth1: {mtu: 9000}
        two: {match: {macaddress: 52:54:00:00:00:0c}}
        eth3: {dhcp4: true, dhcp6: true, addresses: [\"fd00:5::2/64\"], routes: [{to: default, via: \"fe80::1\", metric: 7}]}
      bonds:
        bond0:
          interfaces: [one, eth1]
          parameters: {mode: active-backup, primary: one}
      bridges:
        br0: {interfaces: [two], parameters: {stp: false, forward-delay: 0}}
      vlans:
        lan: {id: 9, link: bond0, mtu: 1400}
        five: {id: 5, link: eth3, addresses: [\"fd00:6::2/64\"]}
        six: {id: 6, link: br0, addresses: [10.6.0.2/24], routes: [{to: 10.7.0.0/16, via: 10.6.0.1}]}
";

/// Files one below the other, without what says little.
fn flat(files: &[File]) -> String {
    files.iter().fold(String::new(), |mut text, file| {
        let name = file.path.rsplit('/').next().unwrap();
        let content = String::from_utf8(file.content.clone()).unwrap();
        write!(text, "# {name} {:04o}\n{content}", file.mode).unwrap();
        text
    })
}

/// Compares with `tests/network/<name>`; `HAGEN_BLESS=1` writes it anew.
fn is_as_before(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/network").join(name);
    #[expect(clippy::disallowed_methods, reason = "a test may")]
    let bless = std::env::var_os("HAGEN_BLESS").is_some();
    if bless {
        fs::write(&path, text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(&path).unwrap_or_default(), "HAGEN_BLESS=1 cargo test --test network");
}

#[test]
fn one_of_everything_as_text() {
    let text = format!("{HEAD}{DEVICES}");
    let network = networks(&text).remove("cp1").unwrap();
    is_as_before("network-config", &netplan::network_config(&network).unwrap());
    is_as_before("networkd", &flat(&networkd::files(&network)));
    is_as_before("network-manager", &flat(&network_manager::files(&network)));
}

/// Documents that people read or real programs are tried on.
fn documents() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut documents: Vec<(String, String)> = fs::read_dir(root.join("tests/formats/networks"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .chain([root.join("examples/network.yaml")])
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap()))
        .collect();
    let chapter = fs::read_to_string(root.join("docs/network.md")).unwrap();
    let blocks = chapter.split("```yaml\n").skip(1).map(|block| block.split("```").next().unwrap().to_owned());
    documents.extend(blocks.enumerate().map(|(index, text)| (format!("docs-{index}"), text)));
    assert!(documents.len() > 4);
    documents.sort();
    documents
}

#[test]
fn every_document_means_the_same_everywhere() {
    for (name, text) in documents() {
        for (node, network) in networks(&text) {
            same(&network, &format!("{name}/{node}"));
        }
    }
}

/// What each of the three says of a device, as far as all of them say it.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Device {
    kind: String,
    mac: String,
    mtu: String,
    /// The bond or bridge that it is a member of.
    controller: String,
    /// A VLAN's link and tag.
    vlan: (String, String),
    addresses: BTreeSet<String>,
    routes: BTreeSet<(String, String)>,
    dhcp: (bool, bool),
}

fn same(network: &Network, place: &str) {
    let mut expected = of_netplan(&netplan::network_config(network).unwrap());
    assert_eq!(expected.len(), network.devices.len(), "{place}");
    assert_eq!(of_networkd(&networkd::files(network)), expected, "{place}: systemd-networkd");
    expected.values_mut().for_each(|device| device.dhcp.1 = false);
    assert_eq!(of_network_manager(&network_manager::files(network)), expected, "{place}: NetworkManager");
}

fn of_netplan(text: &str) -> BTreeMap<String, Device> {
    let config: Value = serde_yaml::from_str(text).unwrap();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    let plain =
        |value: &Value| if value.is_null() { String::new() } else { value.to_string().trim_matches('"').to_owned() };
    let mut devices: BTreeMap<String, Device> = BTreeMap::new();
    let mut controllers = BTreeMap::new();
    for (kind, key) in [("ethernet", "ethernets"), ("bond", "bonds"), ("bridge", "bridges"), ("vlan", "vlans")] {
        for (name, value) in config[key].as_object().into_iter().flatten() {
            let routes = value["routes"].as_array().into_iter().flatten();
            controllers.extend(texts(&value["interfaces"]).into_iter().map(|member| (member, name.clone())));
            let device = Device {
                kind: kind.to_owned(),
                mac: plain(&value["match"]["macaddress"]),
                mtu: plain(&value["mtu"]),
                controller: String::new(),
                vlan: (plain(&value["link"]), plain(&value["id"])),
                addresses: texts(&value["addresses"]).into_iter().collect(),
                routes: routes.map(|route| (plain(&route["to"]), plain(&route["via"]))).collect(),
                dhcp: (value["dhcp4"].as_bool().unwrap(), value["dhcp6"].as_bool().unwrap()),
            };
            devices.insert(name.clone(), device);
        }
    }
    for (member, controller) in controllers {
        devices.get_mut(&member).unwrap().controller = controller;
    }
    devices
}

/// Sections with their keys and values.
type Sections = Vec<(String, Vec<(String, String)>)>;

fn sections(file: &File) -> Sections {
    let mut sections = Sections::new();
    for line in std::str::from_utf8(&file.content).unwrap().lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => sections.push((name.to_owned(), Vec::new())),
            None => {
                let (key, value) = line.split_once('=').unwrap();
                sections.last_mut().unwrap().1.push((key.to_owned(), value.to_owned()));
            }
        }
    }
    sections
}

/// All values of a key.
fn values(sections: &Sections, section: &str, key: &str) -> Vec<String> {
    let inside = sections.iter().filter(|(name, _)| name == section).flat_map(|(_, entries)| entries);
    inside.filter(|(name, _)| name == key).map(|(_, value)| value.clone()).collect()
}

fn value(sections: &Sections, section: &str, key: &str) -> String {
    values(sections, section, key).concat()
}

fn of_networkd(files: &[File]) -> BTreeMap<String, Device> {
    let of_kind = |kind: &str| -> BTreeMap<String, Sections> {
        let name = |file: &File| {
            let name = file.path.strip_prefix("/etc/systemd/network/10-hagen-").unwrap();
            name.strip_suffix(kind).map(|name| name.trim_end_matches('.').to_owned())
        };
        files.iter().filter_map(|file| Some((name(file)?, sections(file)))).collect()
    };
    let (networks, netdevs) = (of_kind("network"), of_kind("netdev"));
    let device = |(name, text): (&String, &Sections)| {
        let netdev = netdevs.get(name);
        let link = networks.iter().find(|(_, parent)| values(parent, "Network", "VLAN").contains(name));
        let dhcp = value(text, "Network", "DHCP");
        let device = Device {
            kind: netdev.map_or("ethernet".to_owned(), |text| value(text, "NetDev", "Kind")),
            mac: value(text, "Match", "PermanentMACAddress"),
            mtu: value(text, "Link", "MTUBytes"),
            controller: value(text, "Network", "Bond") + &value(text, "Network", "Bridge"),
            vlan: (
                link.map(|(name, _)| name.clone()).unwrap_or_default(),
                netdev.map(|text| value(text, "VLAN", "Id")).unwrap_or_default(),
            ),
            addresses: values(text, "Network", "Address").into_iter().collect(),
            routes: std::iter::zip(values(text, "Route", "Destination"), values(text, "Route", "Gateway")).collect(),
            dhcp: (matches!(dhcp.as_str(), "yes" | "ipv4"), matches!(dhcp.as_str(), "yes" | "ipv6")),
        };
        (name.clone(), device)
    };
    networks.iter().map(device).collect()
}

fn of_network_manager(files: &[File]) -> BTreeMap<String, Device> {
    let keyfiles: Vec<Sections> =
        files.iter().filter(|file| file.path.ends_with(".nmconnection")).map(sections).collect();
    // What a VLAN calls its link: the interface, or its connection.
    let called = |name: &str| {
        let link = files.iter().filter(|file| file.path.ends_with(".link")).map(|file| (file, sections(file)));
        let renamed = link.into_iter().find(|(_, text)| value(text, "Link", "Name") == name);
        let same =
            |text: &&Sections| value(text, "connection", "uuid") == name || value(text, "connection", "id") == name;
        renamed.map_or_else(
            || value(keyfiles.iter().find(same).unwrap(), "connection", "id"),
            |(file, _)| file.path.rsplit("10-hagen-").next().unwrap().trim_end_matches(".link").to_owned(),
        )
    };
    let device = |text: &Sections| {
        let numbered = |prefix: &str| -> Vec<String> {
            let keys = ["ipv4", "ipv6"].into_iter().flat_map(|section| {
                let entries = text.iter().find(|(name, _)| name == section).map(|(_, entries)| entries);
                entries.into_iter().flatten().filter(|(key, _)| key.trim_end_matches(char::is_numeric) == prefix)
            });
            keys.map(|(_, value)| value.clone()).collect()
        };
        let route = |route: String| {
            let mut parts = route.split(',').map(str::to_owned);
            (parts.next().unwrap(), parts.next().unwrap())
        };
        let parent = value(text, "vlan", "parent");
        let device = Device {
            kind: value(text, "connection", "type"),
            mac: value(text, "ethernet", "mac-address"),
            mtu: value(text, "ethernet", "mtu"),
            controller: value(text, "connection", "master"),
            vlan: (if parent.is_empty() { parent } else { called(&parent) }, value(text, "vlan", "id")),
            addresses: numbered("address").into_iter().collect(),
            routes: numbered("route").into_iter().map(route).collect(),
            // In IPv6 it does what routers say of DHCP.
            dhcp: (value(text, "ipv4", "method") == "auto", false),
        };
        (value(text, "connection", "id"), device)
    };
    keyfiles.iter().map(device).collect()
}

/// One NIC: whether it is found by address, whether it is renamed, and which bond or bridge has it.
fn nic() -> impl Strategy<Value = (bool, bool, u8)> {
    (any::<bool>(), any::<bool>(), 0_u8..3)
}

/// Settings of a device, in the subnets that `number` stands for.
fn settings(number: usize, choice: u8) -> String {
    let mut text = String::new();
    let mut add = |bit: u8, part: String| {
        if choice & bit != 0 {
            text.push_str(&part);
        }
    };
    add(1, format!(", addresses: [10.{number}.0.2/24, \"fd00:{number}::2/64\"]"));
    add(2, ", dhcp4: true".to_owned());
    add(4, ", dhcp6: true".to_owned());
    add(8, ", mtu: 1400".to_owned());
    if choice & 1 != 0 {
        add(16, format!(", routes: [{{to: 10.{}.0.0/16, via: 10.{number}.0.1}}]", 100 + number));
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_network_means_the_same_everywhere(
        nics in prop::collection::vec(nic(), 1..6),
        vlans in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
        choices in prop::collection::vec(0_u8..32, 16),
    ) {
        let mut text = format!("{HEAD}    network:\n      ethernets:\n        main: {{addresses: [10.9.0.11/24]}}\n");
        let mut links = vec!["main".to_owned()];
        let mut members: [Vec<String>; 2] = Default::default();
        for (index, (by_mac, renamed, role)) in nics.iter().enumerate() {
            let mut inner = String::new();
            if *by_mac {
                write!(inner, ", match: {{macaddress: 52:54:00:00:00:{:02x}}}", index + 1).unwrap();
                if *renamed {
                    write!(inner, ", set-name: lan{index}").unwrap();
                }
            }
            match members.get_mut(usize::from(*role)) {
                Some(list) => list.push(format!("eth{index}")),
                None => inner.push_str(&settings(index + 10, choices[index])),
            }
            links.push(format!("eth{index}"));
            writeln!(text, "        eth{index}: {{{}}}", inner.trim_start_matches(", ")).unwrap();
        }
        for (number, (kind, name)) in [("bonds", "bond0"), ("bridges", "br0")].into_iter().enumerate() {
            if !members[number].is_empty() {
                let list = members[number].join(", ");
                let own = settings(number + 20, choices[number + 6]);
                writeln!(text, "      {kind}: {{{name}: {{interfaces: [{list}]{own}}}}}").unwrap();
                links.push(name.to_owned());
            }
        }
        if !vlans.is_empty() {
            text.push_str("      vlans:\n");
        }
        for (index, link) in vlans.iter().enumerate() {
            let own = settings(index + 30, choices[index + 8]);
            writeln!(text, "        vlan{index}: {{id: {}, link: {}{own}}}", index + 5, link.get(&links)).unwrap();
        }
        same(&networks(&text)["cp1"], &text);
    }
}
