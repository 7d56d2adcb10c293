//! `--media proxmox`: what hagen says of the machines. What becomes of it is the business of `tests/media/proxmox/run`.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod support;

use hagen::cluster::Cluster;
use hagen::config::schema::Document;
use hagen::format::{Entry, Tree};
use hagen::media::{Machine, MediaError, Site, derived_mac, proxmox};
use hagen::payload;
use serde_json::Value;

const DOCUMENT: &str = "\
name: homelab
kubernetes: {version: 1.36.3}
endpoint: {vip: 10.9.0.10}
network: {gateway: 10.9.0.1, nameservers: [10.9.0.1]}
nodes:
  - {name: cp1, role: control-plane, address: 10.9.0.11/24, mac: 52:54:00:00:00:0b}
  - {name: w1, role: worker, address: 10.9.0.21/24, proxmox: {vmid: 300, host: pve2, cores: 8, vlan: 20, agent: true}}
proxmox: {vmidBase: 8000, image: 'local:import/debian-13.qcow2'}
";

fn load(text: &str) -> Document {
    support::load(text, &[]).0
}

/// The medium, written over seeds that say `seed`.
fn write(document: &Document, seed: &str, tree: &mut Tree) -> Result<(), MediaError> {
    let cluster = Cluster::resolve(document, time::OffsetDateTime::UNIX_EPOCH);
    let machines = cluster.nodes.iter().map(|node| {
        let content = format!("{seed} of {}", node.name()).into_bytes();
        let mac = node.declared.mac.as_ref().map(|mac| mac.as_str().to_owned());
        let mac = mac.unwrap_or_else(|| derived_mac(cluster.name(), node.name()));
        Machine { node, mac, seed: vec![("user-data", content)] }
    });
    let site = Site { machines: machines.collect(), cluster: &cluster };
    (proxmox::MEDIUM.write)(&site, tree)
}

fn machines(text: &str) -> Value {
    let mut tree = Tree::default();
    write(&load(text), "seed", &mut tree).unwrap();
    serde_json::from_slice::<Value>(tree.content("proxmox/hagen.auto.tfvars.json").unwrap()).unwrap()["machines"].take()
}

#[test]
fn a_node_has_what_the_cluster_has_unless_it_says_otherwise() {
    let machines = machines(DOCUMENT);
    let (cp1, w1) = (&machines["cp1"], &machines["w1"]);
    assert_eq!((&cp1["vmid"], &w1["vmid"]), (&8011.into(), &300.into()));
    assert_eq!((&cp1["cores"], &w1["cores"]), (&2.into(), &8.into()));
    assert_eq!((&cp1["host"], &w1["host"]), (&Value::Null, &"pve2".into()));
    assert_eq!((&cp1["vlan"], &w1["vlan"]), (&Value::Null, &20.into()));
    assert_eq!((&cp1["agent"], &w1["agent"]), (&false.into(), &true.into()));
    assert_eq!(cp1["name"], "cp1.homelab");
    assert_eq!(cp1["mac"], "52:54:00:00:00:0b");
    assert_eq!(w1["mac"], derived_mac("homelab", "w1"));
    assert_eq!(w1["image"], "local:import/debian-13.qcow2");
}

#[test]
fn the_name_of_a_seed_is_that_of_its_content() {
    let name = |seed| {
        let mut tree = Tree::default();
        write(&load(DOCUMENT), seed, &mut tree).unwrap();
        let text = String::from_utf8(tree.content("proxmox/machines").unwrap().to_vec()).unwrap();
        text.split("iso=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    };
    let (one, other) = (name("one"), name("other"));
    assert_ne!(one, other);
    assert!(one.starts_with("hagen-cp1.homelab-") && one.ends_with(".iso") && one.len() == 34, "{one}");
}

#[test]
fn every_machine_reads_the_payload_that_the_tree_has() {
    let machines = |payload: Option<Entry>| {
        let mut tree = Tree::default();
        if let Some(payload) = payload {
            tree.insert(payload::FILE, payload);
        }
        write(&load(DOCUMENT), "seed", &mut tree).unwrap();
        String::from_utf8(tree.content("proxmox/machines").unwrap().to_vec()).unwrap()
    };
    let sha256 = [0xab; 32];
    let text = machines(Some(Entry::Stream { sha256, write: Box::new(|_| Ok(())) }));
    let name = "payload=payload.iso payload_iso=hagen-homelab-payload-abababababab.iso ";
    let digest = format!("payload_sha256={}\n", "ab".repeat(32));
    assert_eq!((text.matches(name).count(), text.matches(&digest).count()), (2, 2), "{text}");
    let text = machines(None);
    assert_eq!(text.matches("payload= payload_iso= ").count(), 2, "{text}");
}

#[test]
fn a_vmid_follows_from_an_address_of_either_family() {
    let text = DOCUMENT.replace("10.9.0.11/24", "fd00::1f/64").replace("10.9.0.21/24", "fd00::21/64");
    let text = text.replace("10.9.0.1", "fd00::1").replace("fd00::10", "fd00::a");
    let text = text
        .replace("vip: 10.9.0.10", "vip: fd00::a")
        .replace("1.36.3}", "1.36.3, podSubnet: 'fd01::/56', serviceSubnet: 'fd02::/112'}");
    assert_eq!(machines(&text)["cp1"]["vmid"], 8031);
}

#[test]
fn nodes_without_a_vmid_are_no_machines_of_proxmox() {
    let text = DOCUMENT.replace("vmidBase: 8000, ", "");
    assert_eq!(machines(&text).as_object().unwrap().keys().collect::<Vec<_>>(), ["w1"]);
    let text = text.replace("vmid: 300, ", "");
    let error = write(&load(&text), "seed", &mut Tree::default()).unwrap_err().to_string();
    assert!(error.contains("write `proxmox: {vmidBase: 8000}`"), "{error}");
}

#[test]
fn only_scripts_that_are_called_may_be_executed() {
    let mut tree = Tree::default();
    write(&load(DOCUMENT), "seed", &mut tree).unwrap();
    for (path, entry) in tree.iter().filter(|(path, _)| path.starts_with("proxmox/")) {
        let Entry::File { content, mode, .. } = entry else { continue };
        let expected = if content.starts_with(b"#!") { 0o700 } else { 0o600 };
        assert_eq!(*mode, expected, "{path}");
    }
}
