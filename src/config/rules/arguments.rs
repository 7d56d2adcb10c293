//! Flags and names of kubeadm's own that would contradict the rest of the bundle.

use std::collections::BTreeMap;

use super::{Place, Subject};
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::config::schema::ProxyMode;
use crate::config::values::Invalid;

/// A flag that is set already, and what to write instead.
type Owned = (&'static str, &'static str);

/// The kubelet's: hagen's own, and those of kubeadm's KubeletConfiguration and kubeadm-flags.env.
const KUBELET: &[Owned] = &[
    ("bootstrap-kubeconfig", "kubeadm and hagen own the kubelet's credentials"),
    ("cgroup-driver", "write `kubernetes: {kubelet: {cgroupDriver: systemd}}`: containerd follows it"),
    ("config", "write the fields under `kubernetes.kubelet`"),
    ("container-runtime-endpoint", "hagen sets up containerd and names its socket"),
    ("hostname-override", "the Node's name is `nodes[].name`"),
    ("kubeconfig", "kubeadm and hagen own the kubelet's credentials"),
    ("node-ip", "the kubelet's address is `nodes[].address`"),
    ("node-labels", "write them under `nodes[].labels`, or `nodes[].roles`"),
    ("register-with-taints", "write them under `nodes[].taints`"),
];

const API_SERVER: &[Owned] = &[
    ("advertise-address", "each control plane advertises its `nodes[].address`"),
    ("etcd-servers", "etcd is stacked: each API server uses the member beside it"),
    ("secure-port", "the port is `endpoint.port`"),
    ("service-cluster-ip-range", "the range is `kubernetes.serviceSubnet`"),
];

const CONTROLLER_MANAGER: &[Owned] = &[
    ("cluster-cidr", "the range is `kubernetes.podSubnet`"),
    ("cluster-name", "the name is `name`"),
    ("service-cluster-ip-range", "the range is `kubernetes.serviceSubnet`"),
];

const ETCD: &[Owned] = &[
    ("advertise-client-urls", "a member's addresses follow from `nodes[].address`"),
    ("data-dir", "hagen looks for etcd's data in /var/lib/etcd to tell a new machine from an old one"),
    ("discovery", "the members are the control planes under `nodes`"),
    ("discovery-srv", "the members are the control planes under `nodes`"),
    ("force-new-cluster", "it would split the cluster at every restart of the member"),
    ("initial-advertise-peer-urls", "a member's addresses follow from `nodes[].address`"),
    ("initial-cluster", "kubeadm writes it for each member as it joins"),
    ("initial-cluster-state", "kubeadm writes it for each member as it joins"),
    ("initial-cluster-token", "the first control plane makes a random one, so that no two clusters share an ID"),
    ("listen-client-urls", "a member's addresses follow from `nodes[].address`"),
    ("listen-peer-urls", "a member's addresses follow from `nodes[].address`"),
    ("name", "a member has its node's name"),
];

/// Fields of KubeletConfiguration that kubeadm or hagen fixes.
const KUBELET_FIELDS: &[Owned] = &[
    ("apiVersion", "hagen writes it"),
    ("kind", "hagen writes it"),
    ("clusterDomain", "the domain is `kubernetes.dnsDomain`"),
    ("containerRuntimeEndpoint", "hagen sets up containerd and names its socket"),
    ("staticPodPath", "kubeadm's manifests are in /etc/kubernetes/manifests"),
];

/// Fields of KubeProxyConfiguration that kubeadm or hagen fixes.
const PROXY_FIELDS: &[Owned] = &[
    ("apiVersion", "hagen writes it"),
    ("kind", "hagen writes it"),
    ("mode", "the mode is `kubernetes.proxy.mode`"),
    ("clusterCIDR", "the range is `kubernetes.podSubnet`"),
];

/// Ports that something else listens on, on every control plane.
const TAKEN_PORTS: &[(u16, &str)] = &[
    (22, "sshd"),
    (2112, "kube-vip's metrics"),
    (2379, "etcd"),
    (2380, "etcd"),
    (2381, "etcd's metrics"),
    (10248, "the kubelet's health check"),
    (10249, "kube-proxy's metrics"),
    (10250, "the kubelet"),
    (10256, "kube-proxy's health check"),
    (10257, "kube-controller-manager"),
    (10259, "kube-scheduler"),
];

/// Reads the name of one of kubeadm's checks; the names have no case.
pub(in crate::config) fn preflight_check(text: &str) -> Result<String, Invalid> {
    if text.eq_ignore_ascii_case("all") {
        return Err(Invalid::new(
            "all preflight errors would be ignored",
            "name the checks that may fail, as in `[NumCPU, Mem]`",
        ));
    }
    Ok(text.to_owned())
}

pub(super) fn check(subject: &Subject<'_>) {
    let kubernetes = &subject.draft.kubernetes;
    refuse(subject, &kubernetes.kubelet_extra_args, subject.at(&["kubernetes", "kubeletExtraArgs"]), KUBELET);
    refuse(
        subject,
        &kubernetes.api_server.extra_args,
        subject.at(&["kubernetes", "apiServer", "extraArgs"]),
        API_SERVER,
    );
    refuse(
        subject,
        &kubernetes.controller_manager_extra_args,
        subject.at(&["kubernetes", "controllerManager", "extraArgs"]),
        CONTROLLER_MANAGER,
    );
    refuse(subject, &subject.draft.etcd.extra_args, subject.at(&["etcd", "extraArgs"]), ETCD);
    for (node, place) in subject.nodes() {
        refuse(subject, &node.kubelet_extra_args, place.key("kubeletExtraArgs"), KUBELET);
    }
    let kubelet = subject.at(&["kubernetes", "kubelet"]);
    let proxy = subject.at(&["kubernetes", "proxy", "config"]);
    for (given, place, owner, owned) in [
        (&kubernetes.kubelet, kubelet, "the kubelet", KUBELET_FIELDS),
        (&kubernetes.proxy.config, proxy, "kube-proxy", PROXY_FIELDS),
    ] {
        for (field, help) in owned.iter().filter(|(field, _)| given.contains_key(*field)) {
            let message = format!("`{field}` of {owner}'s configuration is set already");
            subject.push(Diagnostic::error(Code::OwnedArgument, place.key(field).key, message).help(*help));
        }
    }

    if kubernetes.proxy.mode == ProxyMode::None && !kubernetes.proxy.config.is_empty() {
        let message = "`kubernetes.proxy.config` is for nobody: with `mode: none` there is no kube-proxy";
        subject.push(Diagnostic::error(Code::InvalidValue, proxy.key, message).help("remove it, or choose a mode"));
    }

    // containerd's SystemdCgroup follows this field, so it must be one of the two that both know.
    let driver = kubernetes.kubelet.get("cgroupDriver");
    if driver.is_some_and(|driver| !matches!(driver.as_str(), Some("systemd" | "cgroupfs"))) {
        let place = kubelet.key("cgroupDriver");
        let message = "`kubernetes.kubelet.cgroupDriver` is none of the kubelet's drivers";
        subject.push(
            Diagnostic::error(Code::UnknownChoice, place.span, message)
                .help("write `systemd`, kubeadm's default, or `cgroupfs`"),
        );
    }

    volumes(subject);
    let port = subject.draft.endpoint.port;
    if let Some((_, owner)) = TAKEN_PORTS.iter().find(|(taken, _)| *taken == port) {
        subject.push(
            Diagnostic::error(
                Code::PortTaken,
                subject.at(&["endpoint", "port"]).span,
                format!("port {port} is taken on every control plane by {owner}"),
            )
            .help("choose another one; kubeadm's default is 6443"),
        );
    }
}

/// Names every flag that is set already.
fn refuse(subject: &Subject<'_>, given: &BTreeMap<String, String>, place: Place<'_>, owned: &[Owned]) {
    // Programs of Kubernetes read `_` in a flag as `-` (`WordSepNormalizeFunc`).
    for (given, flag) in given.keys().map(|given| (given, given.replace('_', "-"))) {
        if let Some((_, help)) = owned.iter().find(|(owned, _)| *owned == flag) {
            let message = format!("`{given}` is set by hagen or kubeadm already");
            subject.push(Diagnostic::error(Code::OwnedArgument, place.key(given.as_str()).key, message).help(*help));
        }
    }
}

/// Volumes of the API server's Pod that kubeadm makes; a second one of the same name would replace it
/// (`phases/controlplane/volumes.go`).
const OWNED_VOLUMES: &[&str] = &[
    "k8s-certs",
    "ca-certs",
    "etc-pki-ca-trust",
    "etc-pki-tls-certs",
    "etc-ca-certificates",
    "usr-share-ca-certificates",
    "usr-local-share-ca-certificates",
];

fn volumes(subject: &Subject<'_>) {
    let list = subject.at(&["kubernetes", "apiServer", "extraVolumes"]);
    // By place: a volume that could not be read is in the list, too.
    let items = (0..).map(|index| list.item(index)).take_while(|item| item.node.is_some());
    let names: Vec<_> = items
        .map(|item| item.key("name"))
        .filter_map(|name| Some((name.node.and_then(|node| node.text())?, name.span)))
        .collect();
    for (name, span) in names.iter().filter(|(name, _)| OWNED_VOLUMES.contains(name)) {
        let message = format!("the volume `{name}` is kubeadm's own");
        subject.push(Diagnostic::error(Code::OwnedArgument, *span, message).help("choose another name"));
    }
    subject.duplicates(
        Code::OwnedArgument,
        names.into_iter(),
        |name| format!("two volumes are called `{name}`"),
        "give each volume a name of its own",
    );
}
