//! What rendering promises whatever the document: the same inputs give the same bytes, and adding a machine changes
//! only what must name it.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use hagen::format::gzip;
use proptest::prelude::*;

/// A cluster of `control_planes` and `workers`, in the shape that `fields` gives.
fn document(control_planes: usize, workers: usize, fields: &str, node_fields: &str) -> String {
    let mut text =
        format!("name: property\nkubernetes: {{version: 1.36.3}}\nendpoint: {{vip: 10.9.0.10}}\n{fields}nodes:\n");
    for (role, count, first) in [("control-plane", control_planes, 11), ("worker", workers, 101)] {
        for index in 0..count {
            let name = if role == "worker" { "w" } else { "cp" };
            let mac = format!("02:00:00:00:00:{:02x}", first + index);
            let fields = node_fields.replace("@MAC@", &mac);
            writeln!(
                text,
                "  - {{name: {name}{}, role: {role}, address: 10.9.0.{}/24{fields}}}",
                index + 1,
                first + index
            )
            .unwrap();
        }
    }
    text
}

const FIELDS: [&str; 4] = [
    "",
    "bootstrap: {certificates: embed}\n",
    "bootstrap: {credentials: token}\n",
    "network: {gateway: 10.9.0.1, nameservers: [10.9.0.1], ntp: [ntp.example.org]}\n",
];
const NODE_FIELDS: [&str; 3] = ["", ", mac: \"@MAC@\"", ", interface: eth0"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// Point 3 of "A bundle that boots".
    #[test]
    fn one_more_worker_changes_no_other_bundle(
        control_planes in prop::sample::select(vec![1_usize, 3, 5]),
        workers in 0_usize..6,
        fields in prop::sample::select(vec![0_usize, 1, 2, 3]),
        node_fields in 0_usize..3,
    ) {
        let render = |workers| {
            let text = document(control_planes, workers, FIELDS[fields], NODE_FIELDS[node_fields]);
            support::flat(&support::render_text(&text, Path::new("."), &support::secrets()).tree)
        };
        let (few, more) = (render(workers), render(workers + 1));
        for (path, entry) in &few {
            if path != "manifest.json" {
                prop_assert_eq!(more.get(path), Some(entry), "{}", path);
            }
        }
        let added = format!("nodes/w{}/", workers + 1);
        for path in more.keys() {
            prop_assert!(few.contains_key(path) || path.starts_with(&added), "{}", path);
        }
    }
}

/// Carriers of 16 KiB are usual; docs/systems.md says what does not fit.
#[test]
fn a_worker_fits_into_sixteen_kib() {
    let text = include_str!("../examples/mixed.yaml");
    let rendered = support::render_text(text, Path::new("."), &support::secrets());
    let workers: Vec<_> = rendered.nodes.iter().filter(|node| node.name.starts_with('w')).collect();
    assert_eq!(workers.len(), 3);
    for node in workers {
        let gzipped = gzip(rendered.tree.content(&node.seed).unwrap()).len();
        assert!(0 < gzipped && gzipped < 16 << 10, "{}: {gzipped} bytes", node.name);
    }
}

#[test]
fn more_control_planes_change_control_planes_only() {
    let render = |control_planes| {
        let text = document(control_planes, 2, "", "");
        support::flat(&support::render_text(&text, Path::new("."), &support::secrets()).tree)
    };
    let (three, five) = (render(3), render(5));
    for (path, entry) in &three {
        if path.starts_with("nodes/w") || path == "kubeconfig" {
            assert_eq!(five.get(path), Some(entry), "{path}");
        }
    }
    // They have to know their peers; were this test comparing nothing, it would not see it.
    let values = "nodes/cp1/rootfs/etc/hagen/node.env";
    assert_ne!(three.get(values), five.get(values));
}

/// A file of the document may not take the place of one of the bundle's: the list in config/rules/files.rs.
#[test]
fn no_file_of_a_bundle_can_be_replaced_by_the_document() {
    const FIELDS: &str = "network: {ntp: [ntp.example.org]}\nusers: [{name: ops, sudo: true}]\n";
    let (mut paths, mut seen) = (BTreeSet::new(), 0);
    for os in ["debian", "flatcar", "fedora-coreos", "sle-micro"] {
        let text = document(3, 1, &format!("{FIELDS}os: {os}\n"), "");
        let rendered = support::flat(&support::render_text(&text, Path::new("."), &support::secrets()).tree);
        let rootfs = rendered.keys().filter_map(|path| path.split_once("/rootfs").map(|(_, path)| path.to_owned()));
        paths.extend(rootfs.inspect(|_| seen += 1));
    }
    for path in &paths {
        let text = document(3, 1, &format!("{FIELDS}files: [{{path: {path}, content: mine}}]\n"), "");
        let mut read = |_, _: &str| Err(std::io::ErrorKind::NotFound.into());
        let input = hagen::config::Input { name: "cluster.yaml", content: text.as_bytes() };
        let loaded = hagen::config::load(&[input], &mut read, &hagen::config::Options::default());
        assert!(loaded.is_err(), "{path} may be replaced");
    }
    assert!(seen > 100, "only {seen} paths were looked at");
    let has = |end: &str| paths.iter().any(|path| path.ends_with(end));
    assert!(["chrony.conf", "locksmithd.service.d/10-hagen.conf", "90-hagen"].into_iter().all(has), "{paths:#?}");
}

#[test]
fn steps_for_a_payload_are_there_when_the_document_takes_something_from_it() {
    const INSTALLS: &str = "var/lib/hagen/bin/steps/05-software";
    const LOADS: [&str; 2] = ["etc/hagen/images", "var/lib/hagen/bin/steps/25-images"];
    const BOTH: &str = "var/lib/hagen/lib/payload.sh";
    for (source, images) in [(false, false), (false, true), (true, false), (true, true)] {
        let place = |payload, otherwise| if payload { "payload" } else { otherwise };
        let (from, images_from) = (place(source, "preinstalled"), place(images, "registry"));
        let text = document(1, 1, &format!("software: {{source: {from}, images: {images_from}}}\n"), "");
        let tree = support::render_text(&text, Path::new("."), &support::secrets()).tree;
        for node in ["cp1", "w1"] {
            let file = |path: &str| tree.content(&format!("nodes/{node}/rootfs/{path}"));
            assert_eq!(file(INSTALLS).is_some(), source, "{text}");
            assert_eq!(LOADS.map(|path| file(path).is_some()), [images; 2], "{text}");
            assert_eq!(file(BOTH).is_some(), source || images, "{text}");
            let packages = String::from_utf8_lossy(file("etc/hagen/node.env").unwrap()).contains("kubeadm=1.36.3-");
            assert_eq!(packages, source, "{text}");
        }
    }
}

/// containerd 1.6 pins nothing, and what came from a payload cannot be pulled again.
#[test]
fn the_kubelet_collects_no_images_of_a_payload() {
    let thresholds = |software: &str, kubelet: &str| {
        let text = document(1, 0, software, "").replace("1.36.3}", &format!("1.36.3, kubelet: {{{kubelet}}}}}"));
        let tree = support::render_text(&text, Path::new("."), &support::secrets()).tree;
        let configuration = tree.content("nodes/cp1/rootfs/etc/hagen/kubeadm-init.yaml").unwrap();
        let lines = String::from_utf8_lossy(configuration).into_owned();
        lines.lines().filter(|line| line.contains("imageGC")).map(str::to_owned).collect::<Vec<_>>()
    };
    const PAYLOAD: &str = "software: {images: payload}\n";
    assert!(thresholds("", "").is_empty());
    assert_eq!(thresholds(PAYLOAD, ""), ["imageGCHighThresholdPercent: 100"]);
    for said in ["imageGCHighThresholdPercent: 90", "imageGCLowThresholdPercent: 70"] {
        assert_eq!(thresholds(PAYLOAD, said), [said]);
    }
}

/// Which containerd would pull, were it in no list.
#[test]
fn the_sandbox_of_the_documents_own_toml_is_needed_as_well() {
    const TOML: &str = "[plugins.'io.containerd.grpc.v1.cri']\n    sandbox_image = 'quay.io/a/pause:1'\n";
    let text = document(1, 1, &format!("software: {{images: payload}}\ncontainerd:\n  extraConfig: |\n    {TOML}"), "");
    let tree = support::render_text(&text, Path::new("."), &support::secrets()).tree;
    for node in ["cp1", "w1"] {
        let images = String::from_utf8_lossy(tree.content(&format!("nodes/{node}/rootfs/etc/hagen/images")).unwrap());
        assert!(images.contains("quay.io/a/pause:1\n") && images.contains("registry.k8s.io/pause:"), "{images}");
    }
}

/// Which a virtual machine is made with, and dnsmasq knows it by.
#[test]
fn a_machine_is_known_by_the_nic_that_has_its_address() {
    const TEXT: &str = "\
name: rack
kubernetes: {version: 1.36.3}
endpoint: {vip: 10.9.0.10}
media: [pxe]
pxe: {url: http://10.9.0.2, arguments: [root=LABEL=root]}
nodes:
  - name: cp1
    role: control-plane
    address: 10.9.0.11/24
    network:
      ethernets:
        a-storage: {match: {macaddress: 52:54:00:00:00:05}, addresses: [10.20.0.11/24]}
        lan: {match: {macaddress: 52:54:00:00:00:06}, addresses: [10.9.0.11/24]}
  - name: w1
    role: worker
    address: 10.9.0.21/24
    network:
      ethernets:
        a-storage: {match: {macaddress: 52:54:00:00:00:07}, addresses: [10.20.0.21/24]}
        left: {match: {macaddress: 52:54:00:00:00:08}, set-name: left}
        right: {match: {macaddress: 52:54:00:00:00:09}, set-name: right}
      bonds: {pair: {interfaces: [left, right]}}
      vlans: {lan: {id: 5, link: pair, addresses: [10.9.0.21/24]}}
";
    let tree = support::render_medium(TEXT, "libvirt").unwrap().tree;
    let holds = |path: &str, word: &str| {
        let content = tree.content(path).unwrap();
        assert!(String::from_utf8_lossy(content).contains(word), "{path}: no {word}");
    };
    holds("libvirt/domains/cp1.xml", "52:54:00:00:00:06");
    holds("libvirt/domains/w1.xml", "52:54:00:00:00:08");
    holds("pxe/dnsmasq.conf", "dhcp-host=52:54:00:00:00:06,10.9.0.11,cp1\n");
    holds("pxe/dnsmasq.conf", "dhcp-host=52:54:00:00:00:08,52:54:00:00:00:09,10.9.0.21,w1\n");
}

#[test]
fn threads_do_not_change_bytes() {
    let text = document(3, 3, "", "");
    let alone = support::flat(&support::render_text(&text, Path::new("."), &support::secrets()).tree);
    let together: Vec<_> = std::thread::scope(|scope| {
        let render = || support::flat(&support::render_text(&text, Path::new("."), &support::secrets()).tree);
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(render)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(together.iter().all(|tree| *tree == alone));
}

/// Clippy's `disallowed-methods` forbids the clock, the environment and randomness; this sees that nobody excuses the
/// library from it, and that it opens no file and no socket.
#[test]
fn library_is_pure() {
    const FORBIDDEN: [&str; 9] = [
        "clippy::disallowed",
        "std::fs",
        "std::env",
        "std::net::Tcp",
        "std::net::Udp",
        "std::process",
        "std::thread",
        "SystemTime",
        "getrandom",
    ];
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let of_the_binary = ["cli", "main.rs", "output.rs"].iter().any(|name| path == source.join(name));
            if of_the_binary {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            seen += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for word in FORBIDDEN {
                assert!(!code.contains(word), "{} mentions {word}", path.display());
            }
        }
    }
    assert!(seen > 20, "only {seen} files were looked at");
}
