//! Good documents load, and say what their text says; wrong ones are under `tests/invalid`.

use std::io;

use super::schema::{Certificates, Credentials, ProxyMode, Role, TaintEffect};
use super::*;
use crate::os::OperatingSystem;

const SHORT: &str = "\
name: homelab
kubernetes: {version: 1.36.3}
endpoint: {vip: 10.9.0.10}
nodes:
  - {name: cp1, role: control-plane, address: 10.9.0.11/24}
  - {name: cp2, role: control-plane, address: 10.9.0.12/24}
  - {name: cp3, role: control-plane, address: 10.9.0.13/24}
  - {name: w1,  role: worker,        address: 10.9.0.21/24}
";

/// Every key that is built, and every planned one with its harmless value.
const LONG: &str = r##"
name: prod                          # clusterName; RFC 1123 label
format: cloud-init
kubernetes:
  version: v1.36.3
  podSubnet: [10.244.0.0/16, "fd00:10:244::/56"]
  serviceSubnet: [10.96.0.0/12, "fd00:10:96::/112"]
  dnsDomain: cluster.local
  imageRepository: registry.k8s.io
  proxy: {mode: nftables}
  apiServer:
    certSANs: [api.example.com, "*.example.com", 192.0.2.7]
    extraArgs: {audit-log-maxage: 30, audit-log-path: /var/log/kubernetes/audit.log, profiling: false}
    extraVolumes: [{name: audit, hostPath: /var/log/kubernetes, mountPath: /var/log/kubernetes, pathType: DirectoryOrCreate}]
  controllerManager: {extraArgs: {bind-address: 0.0.0.0}}
  scheduler: {extraArgs: {}}
  kubelet: {maxPods: 0o100, cgroupDriver: systemd, featureGates: {A: true}, evictionHard: {memory.available: 5%}, x: [1.5, ~, NO]}
  ignorePreflightErrors: [NumCPU]
  kubeletExtraArgs: {v: 1.30}
  timeouts: {discovery: 1h}
  patches: null
endpoint:
  name: api.prod.internal
  port: 6444
  vip: 10.9.0.10
  provider: kube-vip
  kubeVip: {mode: arp, interface: null, services: true, loadBalancer: false, image: null, lease: {duration: 15, renewDeadline: 10, retryPeriod: 2}, bgp: null}
etcd: {topology: stacked, imageTag: null, extraArgs: {quota-backend-bytes: 8589934592}}
bootstrap:
  strategy: init-join
  certificates: embed
  credentials: token
  window: 168h
  absent: []
pki: {caCertificateValidityPeriod: 87600h, certificateValidityPeriod: 8760h}
os: ubuntu
network: {gateway: 10.9.0.1, nameservers: [10.9.0.1, fd00::1], search: [example.com], ntp: [ntp.example.com, 10.9.0.1], mtu: 9000}
software: {source: preinstalled}
registries: {}
containerd: {extraConfig: "[debug]\nlevel = \"info\"\n"}
manifests: [./cni.yaml]
users: [{name: ops, sshAuthorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops@laptop"], sudo: true}]
files: [{path: /etc/motd, content: "NO\n", mode: 0600, owner: "root:adm"}]
nodes:
  - &plane
    name: cp1
    role: control-plane
    address: 10.9.0.11/24
    mac: 52-54-00-00-00-0B
    interface: eth0
    network: {}
    certificates: null
    roles: []
    labels: {topology.kubernetes.io/zone: NO, example.com/rack: 07}
    taints: []
    files: [{path: /etc/motd, source: ./motd}]
    proxmox: {host: pve1, cores: 4, memory: 8192, disk: 64, storage: tank, bridge: vmbr1, vlan: 20, agent: true}
    os: ubuntu
  - {<<: *plane, name: cp2, address: 10.9.0.12/24, mac: "52:54:00:00:00:0c", certificates: upload}
  - {<<: *plane, name: cp3, address: 10.9.0.13/24, mac: null, interface: null, taints: null}
  - name: w1
    role: worker
    address: 10.9.0.21/24
    roles: [gpu]
    taints: [{key: nvidia.com/gpu, effect: NoExecute}]
    kubeletExtraArgs: {cpu-manager-policy: static}
    proxmox: {vmid: 101, image: /root/gpu.qcow2}
proxmox: {vmidBase: 8000, host: pve, image: "local:import/debian-13.qcow2", storage: local-lvm, isoStorage: local, vlan: null}
"##;

fn read(_: usize, path: &str) -> io::Result<Vec<u8>> {
    match path {
        "./cni.yaml" => {
            Ok(b"# CNI\napiVersion: v1\nkind: Namespace\nmetadata: {name: cni, name: twice}\n---\n".to_vec())
        }
        "./motd" => Ok(vec![0xff, 0]),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

/// Loads one text.
fn load_one(text: &str) -> Result<(Document, Diagnostics), Diagnostics> {
    load(&[Input { name: "cluster.yaml", content: text.as_bytes() }], &mut read, &Options::default())
}

fn good(text: &str) -> Document {
    match load_one(text) {
        Ok((document, warnings)) => {
            assert!(warnings.is_empty(), "{warnings}");
            document
        }
        Err(errors) => panic!("{errors}"),
    }
}

#[test]
fn the_short_document_of_the_design_has_all_defaults() {
    let document = good(SHORT);
    assert_eq!(document.name.as_str(), "homelab");
    assert_eq!(document.kubernetes.version.to_string(), "1.36.3");
    assert_eq!(document.kubernetes.pod_subnet[0].to_string(), "10.244.0.0/16");
    assert_eq!(document.kubernetes.service_subnet[0].to_string(), "10.96.0.0/12");
    assert_eq!(document.kubernetes.dns_domain.as_str(), "cluster.local");
    assert_eq!(document.kubernetes.proxy.mode, ProxyMode::Iptables);
    assert_eq!(document.kubernetes.timeouts.discovery.to_string(), "30m0s");
    assert_eq!((document.endpoint.port, document.endpoint.name), (6443, None));
    assert_eq!(document.bootstrap.window.to_string(), "168h0m0s");
    assert_eq!(document.bootstrap.credentials, Credentials::Certificate);
    assert_eq!(document.os, OperatingSystem::Debian);
    assert_eq!(document.nodes.len(), 4);
    assert_eq!(document.nodes[3].role.value, Role::Worker);
    assert!(document.nodes[0].taints.is_none());
}

#[test]
fn a_long_document_means_what_it_says() {
    let document = good(LONG);
    let kubernetes = &document.kubernetes;
    assert_eq!(kubernetes.api_server.extra_args["audit-log-maxage"], "30");
    assert_eq!(kubernetes.api_server.extra_args["profiling"], "false");
    assert_eq!(kubernetes.kubelet_extra_args["v"], "1.30");
    assert_eq!(
        serde_json::Value::from(kubernetes.kubelet.clone()),
        serde_json::json!({
            "maxPods": 64, "cgroupDriver": "systemd", "featureGates": {"A": true},
            "evictionHard": {"memory.available": "5%"}, "x": [1.5, null, "NO"],
        })
    );
    assert_eq!(document.etcd.extra_args["quota-backend-bytes"], "8589934592");
    assert_eq!(document.containerd.extra_config.as_ref().unwrap()["debug"]["level"].as_str(), Some("info"));
    assert!(document.manifests[0].content.starts_with("# CNI"));
    assert_eq!(document.files[0].content, b"NO\n");
    assert_eq!(document.files[0].mode.bits(), 0o600);
    assert_eq!(document.files[0].owner.as_ref().unwrap().as_str(), "root:adm");
    let [cp1, cp2, cp3, w1] = document.nodes.as_slice() else { panic!("four nodes") };
    assert_eq!(cp1.mac.as_ref().unwrap().as_str(), "52:54:00:00:00:0b");
    let labels: Vec<_> = cp2.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(labels, ["example.com/rack=07", "topology.kubernetes.io/zone=NO"]);
    assert_eq!((cp1.certificates, cp2.certificates), (None, Some(Certificates::Upload)));
    assert_eq!((cp1.taints.as_deref(), cp3.taints.as_deref()), (Some(&[][..]), None));
    assert!(cp3.mac.is_none() && cp3.interface.is_none());
    assert_eq!(cp3.files[0].content, [0xff, 0]);
    assert_eq!(w1.taints.as_ref().unwrap()[0].effect, TaintEffect::NoExecute);
    assert_eq!(w1.roles[0].as_str(), "gpu");
}

#[test]
fn line_ends_and_a_byte_order_mark_change_nothing_but_offsets() {
    let wrong = SHORT.replace("10.9.0.10", "gr\u{fc}n, x: 1");
    let positions = |text: &str| {
        let errors = load_one(text).unwrap_err();
        errors.iter().map(|error| (errors.sources().position(error.span), error.message.clone())).collect::<Vec<_>>()
    };
    let plain = positions(&wrong);
    assert_eq!(plain.iter().map(|(position, _)| position.unwrap()).collect::<Vec<_>>(), [(3, 17), (3, 23)]);
    assert_eq!(plain, positions(&wrong.replace('\n', "\r\n")));
    assert_eq!(plain, positions(&format!("\u{feff}{wrong}")));
}

#[test]
fn a_thousand_nodes_load_without_a_message() {
    let mut text = SHORT
        .replace("10.9.0.", "10.9.1.")
        .replace("/24", "/16")
        .replace("1.36.3}", "1.36.3, podSubnet: 172.16.0.0/12}");
    for index in 0..1000 {
        text.push_str(&format!(
            "  - {{name: n{index}, role: worker, address: 10.9.{}.{}/16}}\n",
            2 + index / 250,
            1 + index % 250
        ));
    }
    assert_eq!(good(&text).nodes.len(), 1004);
}

#[test]
fn no_cut_of_a_document_makes_loading_fail_badly() {
    // Every prefix either loads or gives messages that can be drawn.
    for end in (0..LONG.len()).filter(|end| LONG.is_char_boundary(*end)).step_by(7) {
        if let Err(errors) = load_one(&LONG[..end]) {
            assert!(errors.has_errors());
            assert!(errors.render(false).ends_with(" in cluster.yaml\n"));
        }
    }
}

#[test]
fn no_slip_of_a_finger_makes_loading_fail_badly() {
    for (index, sign) in (0..LONG.len())
        .filter(|index| LONG.is_char_boundary(*index))
        .step_by(13)
        .zip(":-[]{}\"'&*!#|>%@\n\t".chars().cycle())
    {
        for text in
            [format!("{}{sign}{}", &LONG[..index], &LONG[index..]), format!("{}{}", &LONG[..index], &LONG[index + 1..])]
        {
            match load_one(&text) {
                Ok(_) => {}
                Err(errors) => assert!(!errors.render(true).is_empty() && errors.has_errors()),
            }
        }
    }
}

#[test]
fn places_at_odd_line_ends_can_be_drawn() {
    // Found by the fuzzer: a place behind the last character that is drawn.
    for text in ["%%\r\r\r", "a: 'b\r\r", "\r\r:\r", "name: \"x\r\n\r\r"] {
        let errors = load_one(text).unwrap_err();
        assert!(errors.render(true).contains("cluster.yaml"), "{text:?}");
    }
}

#[test]
fn strict_makes_errors_of_warnings() {
    let text = SHORT.replace("1.36.3", "1.38.0");
    let input = Input { name: "cluster.yaml", content: text.as_bytes() };
    let (_, mut warnings) = load(&[input], &mut read, &Options { allow_untested: true, ..Options::default() }).unwrap();
    assert_eq!((warnings.len(), warnings.errors()), (1, 0));
    assert!(warnings.render(false).ends_with("warning: 1 warning in cluster.yaml\n"));
    warnings.deny_warnings();
    assert!(warnings.render(false).ends_with("error: 1 error in cluster.yaml\n"));
}

mod overlays {
    use super::*;

    /// Loads texts as `a.yaml`, `b.yaml` and so on.
    fn load_all(texts: &[&str]) -> Result<(Document, Diagnostics), Diagnostics> {
        const NAMES: [&str; 3] = ["a.yaml", "b.yaml", "c.yaml"];
        let inputs: Vec<Input<'_>> =
            texts.iter().zip(NAMES).map(|(text, name)| Input { name, content: text.as_bytes() }).collect();
        load(&inputs, &mut read, &Options::default())
    }

    #[test]
    fn mappings_are_merged_nodes_by_name_and_other_lists_replaced() {
        let base = SHORT.replace("nodes:", "network: {nameservers: [10.9.0.1], mtu: 9000}\nnodes:");
        let over = "network: {nameservers: [10.9.0.2, 10.9.0.3], mtu: null}\nendpoint: {port: 6444}\n\
                    nodes:\n  - {name: w2, role: worker, address: 10.9.0.22/24}\n  - {name: w1, labels: {a: b}}\n";
        let (document, _) = load_all(&[&base, over]).unwrap();
        assert_eq!(document.network.nameservers.len(), 2);
        assert_eq!(document.network.mtu, None);
        assert_eq!((document.endpoint.port, document.endpoint.vip.to_string()), (6444, "10.9.0.10".to_owned()));
        let names: Vec<&str> = document.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!(names, ["cp1", "cp2", "cp3", "w1", "w2"]);
        assert_eq!(document.nodes[3].address.to_string(), "10.9.0.21/24");
        assert_eq!(document.nodes[3].labels.len(), 1);
    }

    #[test]
    fn the_last_of_three_wins_and_an_empty_one_says_nothing() {
        let (document, _) = load_all(&[SHORT, "name: two\n", "name: three\n"]).unwrap();
        assert_eq!(document.name.as_str(), "three");
        let (document, _) = load_all(&[SHORT, "# nothing yet\n"]).unwrap();
        assert_eq!(document.name.as_str(), "homelab");
    }

    #[test]
    fn null_takes_a_flag_away_and_content_replaces_source() {
        let base = SHORT.replace("{version: 1.36.3}", "{version: 1.36.3, scheduler: {extraArgs: {v: 4, x: 1}}}")
            + "files: [{path: /etc/motd, source: ./motd}]\n";
        let over = "kubernetes: {scheduler: {extraArgs: {v: null}}}\nfiles: [{path: /etc/motd, content: hi}]\n";
        let (document, _) = load_all(&[&base, over]).unwrap();
        assert_eq!(document.kubernetes.scheduler_extra_args.keys().collect::<Vec<_>>(), ["x"]);
        assert_eq!(document.files[0].content, b"hi");
    }

    #[test]
    fn an_overlay_covers_no_mistake_of_the_base() {
        for base in ["- name: homelab\n", "endpoint: foo\n", "nodes: {a: b}\n", "null\n", "# nothing\n"] {
            let errors = load_all(&[base, SHORT]).unwrap_err();
            let first = errors.iter().next().unwrap();
            assert_eq!(errors.sources().name(first.span.source), Some("a.yaml"), "{errors}");
        }
    }

    #[test]
    fn a_section_without_a_value_is_where_its_keys_are_missing() {
        let errors = load_all(&[SHORT, "kubernetes: null\n"]).unwrap_err();
        let first = errors.iter().next().unwrap();
        assert_eq!(errors.sources().name(first.span.source), Some("b.yaml"), "{errors}");
    }

    #[test]
    fn messages_point_into_the_file_that_says_it() {
        let over = "endpoint: {vip: 10.8.0.10}\nnodes:\n  - {name: w1, adress: 10.9.0.21/24}\n  - {name: w1}\n";
        let errors = load_all(&[SHORT, over]).unwrap_err();
        let found: Vec<_> = errors
            .iter()
            .map(|error| {
                let position = errors.sources().position(error.span).unwrap();
                (errors.sources().name(error.span.source).unwrap(), position, error.code)
            })
            .collect();
        assert_eq!(
            found,
            [
                ("b.yaml", (1, 17), Code::VipOutsideSubnet),
                ("b.yaml", (3, 16), Code::UnknownKey),
                ("b.yaml", (4, 5), Code::MissingKey),
                ("b.yaml", (4, 5), Code::MissingKey),
                ("b.yaml", (4, 12), Code::DuplicateNodeName),
            ],
            "{errors}"
        );
        assert!(errors.to_string().ends_with("error: 5 errors in a.yaml + b.yaml\n"));
    }

    #[test]
    fn paths_belong_to_the_file_that_names_them() {
        let mut asked = Vec::new();
        let inputs = [
            Input { name: "base/a.yaml", content: SHORT.as_bytes() },
            Input { name: "site/b.yaml", content: b"manifests: [./cni.yaml]\n" },
        ];
        let mut recorded = |number, path: &str| {
            asked.push((number, path.to_owned()));
            read(number, path)
        };
        load(&inputs, &mut recorded, &Options::default()).unwrap();
        assert_eq!(asked, [(1, "./cni.yaml".to_owned())]);
    }
}

/// The table in `keys` against the code that reads the document.
mod table {
    use serde_json::{Value, json};

    use super::super::keys::{self, Key, Presence, Shape};
    use super::*;

    /// A document in which every mapping of the table has its place.
    fn base() -> Value {
        json!({
            "name": "homelab",
            "kubernetes": {"version": "1.36.3", "apiServer": {"extraVolumes": [
                {"name": "audit", "hostPath": "/var/log/kubernetes", "mountPath": "/var/log/kubernetes"}]}},
            "endpoint": {"vip": "10.9.0.10"},
            "users": [{"name": "ops", "sshAuthorizedKeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops@laptop"]}],
            "files": [{"path": "/etc/motd", "content": "hello"}],
            "userDataLimit": {"size": "1MiB"},
            "network": {"gateway": "10.9.0.1", "nameservers": ["10.9.0.1"]},
            "pxe": {"url": "http://10.9.0.2", "arguments": ["root=LABEL=root"]},
            "nodes": [
                {"name": "cp1", "role": "control-plane", "address": "10.9.0.11/24",
                 "mac": "52:54:00:00:00:11", "pxe": {"uuid": "12345678-1234-4234-8234-123456789abc"}},
                {"name": "w1", "role": "worker", "address": "10.9.0.21/24", "userDataLimit": {"size": "1MiB"},
                 "pxe": {"uuid": "12345678-1234-4234-8234-123456789abd"}, "network": {
                    "ethernets": {"eth0": {"dhcp4": true}, "eth1": {"match": {"macaddress": "52:54:00:00:00:21"}}, "eth2": {},
                                  "eth3": {}},
                    "bonds": {"bond0": {"interfaces": ["eth2"]}}, "bridges": {"br0": {"interfaces": ["eth3"]}},
                    "vlans": {"vlan5": {"id": 5, "link": "eth1", "addresses": ["10.5.0.2/24"],
                                        "routes": [{"to": "10.6.0.0/16", "via": "10.5.0.1"}]}}},
                 "files": [{"path": "/etc/motd", "content": "hello"}], "taints": [{"key": "a", "effect": "NoExecute"}]},
            ],
        })
    }

    /// Every key with the JSON pointer of the mapping that it is in.
    fn every_key() -> Vec<(String, &'static Key)> {
        fn below(pointer: &str, keys: &'static [Key], found: &mut Vec<(String, &'static Key)>) {
            for key in keys {
                found.push((pointer.to_owned(), key));
                match key.shape {
                    _ if key.is_planned() => {}
                    Shape::Mapping(keys) => below(&format!("{pointer}/{}", key.name), keys, found),
                    Shape::Keyed(..) if key.name == "nodes" => {
                        let Shape::Keyed(_, keys) = key.shape else { continue };
                        below("/nodes/1", keys, found);
                    }
                    Shape::Keyed(_, keys) | Shape::List(&Shape::Mapping(keys)) => {
                        below(&format!("{pointer}/{}/0", key.name), keys, found);
                    }
                    Shape::Map(_, &Shape::Mapping(keys)) => {
                        let map = format!("{pointer}/{}", key.name);
                        let base = base();
                        let (name, _) = base.pointer(&map).unwrap().as_object().unwrap().iter().next_back().unwrap();
                        below(&format!("{map}/{name}"), keys, found);
                    }
                    _ => {}
                }
            }
        }
        let mut found = Vec::new();
        below("", keys::DOCUMENT, &mut found);
        found
    }

    /// The document with this value at this place.
    fn with(pointer: &str, key: &str, value: Value) -> String {
        let mut document = base();
        let mut place = &mut document;
        for part in pointer.split('/').skip(1) {
            place = match part.parse::<usize>() {
                Ok(_) if place.is_null() => {
                    *place = json!([{}]);
                    &mut place[0]
                }
                Ok(index) => &mut place[index],
                Err(_) => &mut place[part],
            };
        }
        place[key] = value;
        document.to_string()
    }

    /// Codes of all messages, without the warnings.
    fn codes(text: &str) -> Vec<Code> {
        match load_one(text) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.iter().map(|error| error.code).collect(),
        }
    }

    #[test]
    fn the_base_is_good() {
        assert_eq!(codes(&base().to_string()), []);
    }

    #[test]
    fn every_key_is_read() {
        for (pointer, key) in every_key() {
            // No shape takes a list in a list.
            let wrong = json!([[["wrong"]]]);
            let found = codes(&with(&pointer, key.name, wrong));
            let expected = if key.is_planned() { Code::NotBuilt } else { Code::WrongType };
            assert!(found.contains(&expected), "{pointer}/{}: {found:?}", key.name);
        }
    }

    #[test]
    fn every_word_is_known_and_every_planned_one_refused() {
        for (pointer, key) in every_key() {
            let Shape::Choice { built, planned } = key.shape else { continue };
            for word in built {
                let found = codes(&with(&pointer, key.name, json!(word)));
                // Other rules may mind the value; it is known.
                let unknown = [Code::UnknownChoice, Code::NotBuilt];
                assert!(!found.iter().any(|code| unknown.contains(code)), "{pointer}/{}: {word}: {found:?}", key.name);
            }
            for word in planned {
                assert_eq!(codes(&with(&pointer, key.name, json!(word))), [Code::NotBuilt], "{pointer}/{}", key.name);
            }
        }
    }

    #[test]
    fn bounds_are_those_of_the_table() {
        for (pointer, key) in every_key() {
            let Shape::Integer(low, high) = key.shape else { continue };
            if key.is_planned() {
                continue;
            }
            for (number, inside) in [(low - 1, false), (low, true), (high, true), (high + 1, false)] {
                let found = codes(&with(&pointer, key.name, json!(number)));
                assert_eq!(!found.contains(&Code::OutOfRange), inside, "{pointer}/{}: {number}: {found:?}", key.name);
            }
        }
    }

    #[test]
    fn a_default_that_is_written_out_changes_nothing() {
        let places = without_places(&good(&base().to_string()));
        for (pointer, key) in every_key() {
            let Presence::Default(value) = key.presence else { continue };
            let value: Value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            let is_there = base().pointer(&format!("{pointer}/{}", key.name)).is_some();
            if is_there {
                continue;
            }
            let text = with(&pointer, key.name, value);
            assert_eq!(without_places(&good(&text)), places, "{pointer}/{}", key.name);
        }
    }

    #[test]
    fn what_is_planned_may_ask_for_what_is_done_anyway() {
        for (pointer, key) in every_key() {
            let Presence::Planned(accepted) = key.presence else { continue };
            for value in accepted.iter().map(|word| json!(word)).chain([json!(null), json!([]), json!({})]) {
                assert_eq!(codes(&with(&pointer, key.name, value)), [], "{pointer}/{}", key.name);
            }
        }
    }

    #[test]
    fn every_example_has_its_form() {
        // Examples stand in messages and in the schema: each must be good.
        for (pointer, key) in every_key().into_iter().filter(|(_, key)| !key.is_planned()) {
            let Shape::Text(form) = key.shape else { continue };
            let found = codes(&with(&pointer, key.name, json!(form.example)));
            let wrong = [Code::InvalidValue, Code::WrongType, Code::BadPath, Code::BadAuthorizedKey];
            assert!(!found.iter().any(|code| wrong.contains(code)), "{pointer}/{}: {found:?}", key.name);
        }
    }

    /// A document without its places.
    fn without_places(document: &Document) -> String {
        let text = format!("{document:?}");
        let mut parts = text.split("span: Span {");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once('}').map_or(part, |(_, rest)| rest))
    }
}
