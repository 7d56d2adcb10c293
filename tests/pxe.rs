//! `--media pxe`: who boots what, and what lies open. `tests/media/pxe/run` tries it with the real programs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod support;

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use hagen::format::{Entry, Tree};
use hagen::render::RenderError;

const RACK: &str = include_str!("media/pxe/documents/rack.yaml");

fn tree(text: &str) -> Result<Tree, RenderError> {
    support::render_medium(text, "pxe").map(|rendered| rendered.tree)
}

fn text<'t>(tree: &'t Tree, path: &str) -> &'t str {
    std::str::from_utf8(tree.content(path).unwrap_or_else(|| panic!("no {path}"))).unwrap()
}

#[test]
fn machines_are_known_by_what_the_document_says_of_them() {
    let tree = tree(RACK).unwrap();
    let scripts: Vec<&str> = tree.iter().filter_map(|(path, _)| path.strip_prefix("pxe/http/boot/")).collect();
    assert_eq!(
        scripts,
        [
            "default.ipxe",
            "mac-52-54-00-00-00-0b.ipxe",
            "mac-52-54-00-00-00-0c.ipxe",
            // Either NIC of cp3.
            "mac-52-54-00-00-00-0d.ipxe",
            "mac-52-54-00-00-00-15.ipxe",
            "mac-52-54-00-00-00-1d.ipxe",
            "uuid-4c4c4544-0036-5410-8043-b8c04f4a4c33.ipxe",
        ]
    );
    assert!(text(&tree, "pxe/dnsmasq.conf").contains("dhcp-host=52:54:00:00:00:0d,52:54:00:00:00:1d,10.9.0.13,cp3\n"));
    // Not w3, whose system hagen cannot boot, nor w4, of which it knows neither.
    assert!(tree.iter().all(|(path, _)| !path.starts_with("pxe/") || !path.contains("w3") && !path.contains("w4")));
}

#[test]
fn a_seed_that_comes_over_the_nic_does_not_rename_it() {
    let tree = tree(RACK).unwrap();
    for node in ["cp1", "cp3"] {
        let [own, served] =
            ["nodes", "pxe/http/seed"].map(|place| text(&tree, &format!("{place}/{node}/network-config")));
        let kept: Vec<&str> = own.lines().filter(|line| !line.contains("set-name")).collect();
        assert!(own.contains("set-name: lan0"), "{own}");
        assert_eq!(served.lines().collect::<Vec<_>>(), kept);
    }
    // So kube-vip looks for the interface that has the address.
    assert!(text(&tree, "nodes/cp1/user-data").contains("VIP_INTERFACE=''\n"));
    for file in ["user-data", "meta-data", "vendor-data"] {
        assert_eq!(text(&tree, &format!("pxe/http/seed/cp1/{file}")), text(&tree, &format!("nodes/cp1/{file}")));
    }
    assert_eq!(text(&tree, "pxe/http/ignition/w1.ign"), text(&tree, "nodes/w1/config.ign"));
}

/// What cloud-init makes of the kernel's arguments of a machine, if there is anything for it.
fn network_argument(document: &str, script: &str) -> Option<String> {
    let tree = tree(document).unwrap();
    let script = text(&tree, &format!("pxe/http/boot/{script}.ipxe"));
    let kernel = script.lines().find(|line| line.starts_with("kernel ")).unwrap();
    let arguments = kernel.strip_suffix(" || goto failed").unwrap().split(' ').skip(2);
    assert!(arguments.clone().map(|argument| argument.len() + 1).sum::<usize>() <= 2048, "{kernel}");
    let packed = arguments.filter_map(|argument| argument.strip_prefix("network-config=")).next()?;
    let mut network = String::new();
    GzDecoder::new(STANDARD.decode(packed).unwrap().as_slice()).read_to_string(&mut network).unwrap();
    Some(network)
}

#[test]
fn the_kernel_is_told_a_network_that_leads_to_the_server() {
    let own = tree(RACK).unwrap();
    for (node, script) in [("cp1", "mac-52-54-00-00-00-0b"), ("cp3", "mac-52-54-00-00-00-1d")] {
        assert_eq!(network_argument(RACK, script).unwrap(), text(&own, &format!("nodes/{node}/network-config")));
    }
    // Ignition has it in its config.
    assert_eq!(network_argument(RACK, "mac-52-54-00-00-00-15"), None);
    // Over a router, or by a name: nobody knows whether it leads there.
    for url in ["http://10.8.0.2", "http://boot.example.org"] {
        assert_eq!(network_argument(&RACK.replace("http://10.9.0.2", url), "mac-52-54-00-00-00-0b"), None);
    }
    // One that has no room, for Linux would cut it off.
    let long: Vec<String> = (0..60).map(|number| format!("172.20.{number}.{}/24", number * 37 % 250 + 1)).collect();
    let long = RACK
        .replace("{mode: active-backup}}\n", &format!("{{mode: active-backup}}, addresses: [{}]}}\n", long.join(", ")));
    let told = network_argument(&long, "mac-52-54-00-00-00-1d");
    let longer = long.replace("console=ttyS0]", &format!("console=ttyS0, quiet={}]", "x".repeat(1500)));
    assert!(told.is_some() && network_argument(&longer, "mac-52-54-00-00-00-1d").is_none());
}

#[test]
fn coreos_is_installed_behind_a_guard() {
    let tree = tree(RACK).unwrap();
    let script = text(&tree, "pxe/http/boot/uuid-4c4c4544-0036-5410-8043-b8c04f4a4c33.ipxe");
    assert!(script.contains(" ignition.config.url=http://10.9.0.2/ignition/w2.install.ign "), "{script}");
    let config = text(&tree, "pxe/http/ignition/w2.install.ign");
    assert!(config.contains("Environment=DISK=/dev/nvme0n1") && config.contains("RequiredBy=coreos-installer.service"));
}

#[test]
fn only_installers_look_at_the_disk_first() {
    let tree = tree(RACK).unwrap();
    assert!(!text(&tree, "pxe/http/boot/mac-52-54-00-00-00-0b.ipxe").contains("sanboot"));
    for script in ["mac-52-54-00-00-00-15", "uuid-4c4c4544-0036-5410-8043-b8c04f4a4c33"] {
        assert!(text(&tree, &format!("pxe/http/boot/{script}.ipxe")).contains("sanboot --no-describe --drive 0x80 ||"));
    }
}

#[test]
fn an_installer_has_its_root_in_memory() {
    let kernel = |document: &str, script: &str| {
        let tree = tree(document).unwrap();
        let script = text(&tree, &format!("pxe/http/boot/{script}.ipxe")).to_owned();
        script.lines().find(|line| line.starts_with("kernel ")).unwrap().to_owned()
    };
    assert!(kernel(RACK, "mac-52-54-00-00-00-0b").contains(" root=LABEL=root console=ttyS0"));
    for script in ["mac-52-54-00-00-00-15", "uuid-4c4c4544-0036-5410-8043-b8c04f4a4c33"] {
        let kernel = kernel(RACK, script);
        assert!(!kernel.contains(" root=") && kernel.contains(" console=ttyS0"), "{kernel}");
    }
    // What is written for the machine itself is meant.
    let own = RACK.replace("    os: flatcar\n", "    os: flatcar\n    pxe: {arguments: [root=/dev/sdb1]}\n");
    assert!(kernel(&own, "mac-52-54-00-00-00-15").contains(" root=/dev/sdb1"));
}

#[test]
fn a_uuid_is_known_in_either_order_of_its_bytes() {
    let tree = tree(RACK).unwrap();
    let configuration = text(&tree, "pxe/dnsmasq.conf");
    for line in [
        "dhcp-match=set:uuid-w2,97,00:44:45:4c:4c:36:00:10:54:80:43:b8:c0:4f:4a:4c:33\n",
        "dhcp-match=set:uuid-w2,97,00:4c:4c:45:44:00:36:54:10:80:43:b8:c0:4f:4a:4c:33\n",
        "dhcp-range=tag:uuid-w2,set:subnet1,10.9.0.22,10.9.0.22,255.255.255.0,infinite\n",
    ] {
        assert!(configuration.contains(line), "{configuration}");
    }
    assert!(!text(&tree, "pxe/proxy.conf").contains("uuid-"));
}

#[test]
fn secrets_are_their_owners() {
    for (path, entry) in tree(RACK).unwrap().iter() {
        if let Entry::File { mode, .. } = entry {
            assert!(mode & 0o077 == 0 || path == "pxe/tftp/boot.ipxe", "{path}");
        }
    }
}

#[test]
fn machines_must_know_where_to_boot_from() {
    let without: Vec<&str> =
        RACK.lines().filter(|line| !line.starts_with("pxe:") && !line.starts_with("    pxe:")).collect();
    let error = tree(&without.join("\n")).err().unwrap();
    assert_eq!(error.to_string(), "machines do not know where to boot from; write `pxe: {url: http://10.9.0.2}`");
}
