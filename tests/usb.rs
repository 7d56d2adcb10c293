//! `--media usb`: what is on the stick, and what hagen says of the others. Machines boot from it in `tests/media/boot/run`.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod support;

use hagen::format::Tree;
use hagen::render::{RenderError, Rendered};

const DOCUMENT: &str = "\
name: rack
kubernetes: {version: 1.36.3}
endpoint: {vip: 10.9.0.10}
network: {gateway: 10.9.0.1, nameservers: [10.9.0.1]}
nodes:
  - {name: cp1, role: control-plane, address: 10.9.0.11/24, mac: 52:54:00:00:00:0B}
  - {name: w1, role: worker, address: 10.9.0.21/24, network: {ethernets: {eth0: {}, eth1: {match: {macaddress: 52:54:00:00:00:15}, addresses: [10.9.0.21/24]}}}}
  - {name: w2, role: worker, address: 10.9.0.22/24}
  - {name: w3, role: worker, address: 10.9.0.23/24, mac: 52:54:00:00:00:17, os: flatcar}
";

fn stick(text: &str) -> Result<Rendered, RenderError> {
    support::render_medium(text, "usb")
}

fn holds(tree: &Tree, content: &[u8]) -> bool {
    tree.content("usb/stick.iso").unwrap().windows(content.len()).any(|window| window == content)
}

#[test]
fn each_machine_that_can_be_known_is_on_the_stick() {
    let tree = stick(DOCUMENT).unwrap().tree;
    for node in ["cp1", "w1"] {
        for file in ["user-data", "meta-data", "network-config", "vendor-data"] {
            assert!(holds(&tree, tree.content(&format!("nodes/{node}/{file}")).unwrap()), "{node}: {file}");
        }
    }
    assert!(!holds(&tree, tree.content("nodes/w2/user-data").unwrap()));
    assert!(!holds(&tree, tree.content("nodes/w3/config.ign").unwrap()));
    for (folder, there) in [("0b", true), ("15", true), ("17", false)] {
        assert_eq!(holds(&tree, format!("52-54-00-00-00-{folder}").as_bytes()), there, "{folder}");
    }
}

#[test]
fn a_stick_for_nobody_is_not_written() {
    let text =
        DOCUMENT.replace(", mac: 52:54:00:00:00:0B", "").replace("{match: {macaddress: 52:54:00:00:00:15}, ", "{");
    let error = stick(&text).err().unwrap().to_string();
    assert!(error.contains("write `mac: 52:54:00:00:00:0b`"), "{error}");
}

#[test]
fn who_is_left_out_is_said_where_a_stick_is_wanted() {
    let codes = |text: &str, media: &[&str]| {
        let said = support::load(text, media).1.render(false);
        ["HAGEN143", "HAGEN144"].map(|code| said.contains(code))
    };
    assert_eq!(codes(DOCUMENT, &["usb"]), [true; 2]);
    assert_eq!(codes(&format!("{DOCUMENT}media: [usb]\n"), &[]), [true; 2]);
    assert_eq!(codes(DOCUMENT, &["iso"]), [false; 2]);
}
