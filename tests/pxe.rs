//! `--media pxe`: who boots what, and what lies open. `tests/media/pxe/run` tries it with the real programs.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod support;

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

#[test]
fn only_installers_look_at_the_disk_first() {
    let tree = tree(RACK).unwrap();
    assert!(!text(&tree, "pxe/http/boot/mac-52-54-00-00-00-0b.ipxe").contains("sanboot"));
    for script in ["mac-52-54-00-00-00-15", "uuid-4c4c4544-0036-5410-8043-b8c04f4a4c33"] {
        assert!(text(&tree, &format!("pxe/http/boot/{script}.ipxe")).contains("sanboot --no-describe --drive 0x80 ||"));
    }
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
