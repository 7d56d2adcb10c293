//! Good documents load, and say what their text says; wrong ones are under `tests/invalid`.

use std::io;

use super::schema::{Certificates, Credentials, OperatingSystem, ProxyMode, Role, TaintEffect};
use super::*;

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
users: [{name: ops, sshAuthorizedKeys: ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0 ops@laptop"], sudo: true}]
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
    proxmox: {}
    os: ubuntu
  - {<<: *plane, name: cp2, address: 10.9.0.12/24, mac: "52:54:00:00:00:0c", certificates: upload}
  - {<<: *plane, name: cp3, address: 10.9.0.13/24, mac: null, interface: null, taints: null}
  - name: w1
    role: worker
    address: 10.9.0.21/24
    roles: [gpu]
    taints: [{key: nvidia.com/gpu, effect: NoExecute}]
    kubeletExtraArgs: {cpu-manager-policy: static}
"##;

fn read(path: &str) -> io::Result<Vec<u8>> {
    match path {
        "./cni.yaml" => {
            Ok(b"# CNI\napiVersion: v1\nkind: Namespace\nmetadata: {name: cni, name: twice}\n---\n".to_vec())
        }
        "./motd" => Ok(vec![0xff, 0]),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

fn good(text: &str) -> Document {
    match load("cluster.yaml", text, &mut read, &Options::default()) {
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
        let errors = load("cluster.yaml", text, &mut read, &Options::default()).unwrap_err();
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
        if let Err(errors) = load("cluster.yaml", &LONG[..end], &mut read, &Options::default()) {
            assert!(errors.has_errors());
            assert!(errors.render(false).ends_with("; nothing was written\n"));
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
            match load("cluster.yaml", &text, &mut read, &Options::default()) {
                Ok(_) => {}
                Err(errors) => assert!(!errors.render(true).is_empty() && errors.has_errors()),
            }
        }
    }
}

#[test]
fn strict_makes_errors_of_warnings() {
    let text = SHORT.replace("1.36.3", "1.38.0");
    let (_, mut warnings) = load("cluster.yaml", &text, &mut read, &Options { allow_untested: true }).unwrap();
    assert_eq!((warnings.len(), warnings.errors()), (1, 0));
    assert!(!warnings.render(false).contains("nothing was written"));
    warnings.deny_warnings();
    assert!(warnings.render(false).ends_with("error: 1 problem in cluster.yaml; nothing was written\n"));
}
