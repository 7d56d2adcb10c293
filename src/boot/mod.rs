//! The boot: what runs on a machine from its first power-on until it is part of the cluster, and after.
//!
//! A cluster and a node come in; programs, units and the values that they read go out. Programs are files under
//! `templates/`, named as on the machine and the same on every machine; what differs is in /etc/hagen/node.env.

mod templates;

use serde::Serialize;

use crate::cluster::{Cluster, Node, Part};
use crate::config::schema::{Certificates, Credentials, ProxyMode, Software};
use crate::kubernetes::kubeadm;
use crate::payload::Programs;
use crate::secrets::Secret;
pub use templates::{TemplateError, render};

/// A text file of the boot.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// Absolute path.
    pub path: &'static str,
    /// Its text.
    pub content: &'static str,
    /// Whether it is run, and not only read by others.
    pub executable: bool,
}

/// A systemd unit.
#[derive(Debug, Clone, Copy)]
pub struct Unit {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub content: &'static str,
    /// Whether the first boot starts it. The others are enabled by the last step.
    pub enabled: bool,
}

macro_rules! program {
    ($path:literal, $executable:literal) => {
        Program {
            path: concat!("/", $path),
            content: include_str!(concat!("../../templates/", $path)),
            executable: $executable,
        }
    };
}

macro_rules! unit {
    ($name:literal, $enabled:literal) => {
        Unit {
            name: $name,
            content: include_str!(concat!("../../templates/etc/systemd/system/", $name)),
            enabled: $enabled,
        }
    };
}

const EVERY_NODE: [Program; 6] = [
    program!("var/lib/hagen/lib/hagen.sh", false),
    program!("var/lib/hagen/bin/firstboot", true),
    program!("var/lib/hagen/bin/steps/10-verify", true),
    program!("var/lib/hagen/bin/steps/20-prepare", true),
    program!("var/lib/hagen/bin/steps/90-finish", true),
    program!("var/lib/hagen/bin/hagen-status", true),
];
const CONTROL_PLANE: [Program; 6] = [
    program!("var/lib/hagen/lib/control-plane.sh", false),
    program!("var/lib/hagen/bin/steps/30-control-plane", true),
    program!("var/lib/hagen/bin/steps/40-cluster", true),
    program!("var/lib/hagen/bin/caretaker", true),
    program!("var/lib/hagen/bin/identity", true),
    program!("var/lib/hagen/bin/renew", true),
];
const WORKER: [Program; 1] = [program!("var/lib/hagen/bin/steps/30-join", true)];

const PAYLOAD: Program = program!("var/lib/hagen/lib/payload.sh", false);
const INSTALLS: Program = program!("var/lib/hagen/bin/steps/05-software", true);
const LOADS_IMAGES: Program = program!("var/lib/hagen/bin/steps/25-images", true);

const FIRST_BOOT: Unit = unit!("hagen-firstboot.service", true);
const LATER: [Unit; 5] = [
    unit!("hagen-identity.service", false),
    unit!("hagen-caretaker.service", false),
    unit!("hagen-caretaker.timer", false),
    unit!("hagen-renew.service", false),
    unit!("hagen-renew.timer", false),
];

/// The name of the unit that runs the first boot.
pub const FIRST_BOOT_UNIT: &str = FIRST_BOOT.name;

/// kubeadm's least memory for a control plane, in MiB (`constants.ControlPlaneMem`, `preflight/checks_linux.go`).
const CONTROL_PLANE_MEMORY: u32 = 1700;
/// What a kubelet, containerd and a few Pods need at the least, in MiB: hagen's own estimate.
const WORKER_MEMORY: u32 = 700;

/// The programs of one node.
pub fn programs(cluster: &Cluster<'_>, node: &Node<'_>) -> impl Iterator<Item = Program> {
    let own: &[Program] = if node.is_control_plane() { &CONTROL_PLANE } else { &WORKER };
    let Software { installs, loads_images, .. } = cluster.document.software;
    let of_payload = [(installs || loads_images, PAYLOAD), (installs, INSTALLS), (loads_images, LOADS_IMAGES)];
    let of_payload = of_payload.into_iter().filter(|(wanted, _)| *wanted).map(|(_, program)| program);
    EVERY_NODE.iter().chain(own).copied().chain(of_payload)
}

/// The units of one node.
pub fn units(node: &Node<'_>) -> impl Iterator<Item = Unit> {
    let later: &[Unit] = if node.is_control_plane() { &LATER } else { &[] };
    std::iter::once(FIRST_BOOT).chain(later.iter().copied())
}

#[derive(Serialize)]
struct Values<'a> {
    node: NodeValues<'a>,
    cluster: ClusterValues<'a>,
}

#[derive(Serialize)]
struct NodeValues<'a> {
    name: &'a str,
    address: String,
    part: &'static str,
    control_plane: bool,
    tools: &'static str,
    memory_mib: u32,
    retry_ignores: String,
    certificates: String,
    later_units: String,
    held_units: String,
    vip_interface: &'a str,
    authorities: &'static str,
    installs: bool,
    packages: String,
    extension: &'a str,
}

#[derive(Serialize)]
struct ClusterValues<'a> {
    name: &'a str,
    kubernetes_version: String,
    containerd_major: u32,
    vip: String,
    endpoint_port: u16,
    issued_at: i64,
    starts_until: i64,
    sysctls: &'static str,
    swap: &'static str,
    ignore_preflight_errors: String,
    control_planes: String,
    first_control_plane: &'a str,
    certificate_seconds: u64,
    kube_proxy: &'static str,
    upload: &'static str,
    token_id: &'a str,
    token_stays: &'static str,
}

/// /etc/hagen/node.env. `certificates` are the paths of those in the bundle that cannot be replaced on the machine.
/// Of the token, only its public half is in it.
///
/// # Errors
/// [`TemplateError`] when the template names a value that is not there: a bug.
pub fn node_env(
    cluster: &Cluster<'_>,
    node: &Node<'_>,
    token: &Secret<String>,
    certificates: &[String],
) -> Result<String, TemplateError> {
    let kubernetes = &cluster.document.kubernetes;
    let yes = |condition| if condition { "yes" } else { "no" };
    let control_planes: Vec<String> =
        cluster.control_planes().map(|node| format!("{}={}", node.name(), node.address)).collect();
    let later = units(node)
        .filter(|unit| !unit.enabled && (unit.name.ends_with(".timer") || unit.content.contains("[Install]")));
    let programs = Programs::of(cluster, node);
    let values = Values {
        node: NodeValues {
            name: node.name(),
            address: node.address.to_string(),
            part: match node.part {
                Part::Init => "init",
                Part::ControlPlane(_) => "control-plane",
                Part::Worker(_) => "worker",
            },
            control_plane: node.is_control_plane(),
            tools: if node.is_control_plane() {
                "kubeadm kubelet kubectl containerd ctr ip curl openssl pkill sysctl hostname"
            } else {
                "kubeadm kubelet containerd ctr ip curl openssl sysctl hostname"
            },
            memory_mib: if node.is_control_plane() { CONTROL_PLANE_MEMORY } else { WORKER_MEMORY },
            retry_ignores: kubeadm::retry_ignores(cluster, node).join(","),
            certificates: certificates.join(" "),
            later_units: later.map(|unit| unit.name).collect::<Vec<_>>().join(" "),
            held_units: node.system.updating.join(" "),
            // Without it the machine looks: a NIC has not always got the name that the document gives it.
            vip_interface: cluster.document.endpoint.kube_vip.interface.as_ref().map_or("", |name| name.as_str()),
            authorities: if node.holds_authorities() { "bundle" } else { "cluster" },
            installs: cluster.document.software.installs,
            packages: programs.packages().join(" "),
            extension: programs.extension().unwrap_or_default(),
        },
        cluster: ClusterValues {
            name: cluster.name(),
            kubernetes_version: kubernetes.version.to_string(),
            containerd_major: cluster.facts.containerd_major(),
            vip: cluster.vip.to_string(),
            endpoint_port: cluster.endpoint_port,
            issued_at: cluster.issued_at.unix_timestamp(),
            starts_until: cluster.starts_until.unix_timestamp(),
            sysctls: if cluster.has_ipv6() {
                "net.ipv4.ip_forward net.ipv6.conf.all.forwarding"
            } else {
                "net.ipv4.ip_forward"
            },
            // Who lets the kubelet run with swap wants to keep it.
            swap: if kubernetes.kubelet.get("failSwapOn") == Some(&false.into()) { "keep" } else { "off" },
            ignore_preflight_errors: kubernetes.ignore_preflight_errors.join(" "),
            control_planes: control_planes.join(" "),
            first_control_plane: cluster.control_planes().next().map_or("", |node| node.name()),
            certificate_seconds: cluster.validity_periods().1.as_secs(),
            kube_proxy: if cluster.has_kube_proxy() { "yes" } else { "none" },
            upload: yes(cluster.uploads()),
            token_id: token.expose().split('.').next().unwrap_or_default(),
            token_stays: yes(cluster.token_stays()),
        },
    };
    render("etc/hagen/node.env", &values)
}

#[derive(Serialize)]
struct Hosts<'a> {
    name: &'a str,
    address: String,
    endpoint_name: &'a str,
    endpoint_address: String,
}

/// /etc/hosts while the endpoint's name means `endpoint_address`.
///
/// # Errors
/// [`TemplateError`], as [`node_env`].
pub fn hosts(
    cluster: &Cluster<'_>,
    node: &Node<'_>,
    endpoint_address: std::net::IpAddr,
) -> Result<String, TemplateError> {
    render(
        "etc/hosts",
        &Hosts {
            name: node.name(),
            address: node.address.to_string(),
            endpoint_name: &cluster.endpoint_name,
            endpoint_address: endpoint_address.to_string(),
        },
    )
}

#[derive(Serialize)]
struct Kernel {
    ipvs: bool,
    ipv6: bool,
}

/// Files of the operating system's preparation, as path and text: kernel modules and settings, time servers, drop-ins of
/// the system's own units.
///
/// # Errors
/// [`TemplateError`], as [`node_env`].
pub fn system_files(cluster: &Cluster<'_>, node: &Node<'_>) -> Result<Vec<(String, String)>, TemplateError> {
    #[derive(Serialize)]
    struct Servers<'a> {
        servers: &'a [String],
    }
    #[derive(Serialize)]
    struct Containerd {
        program: &'static str,
    }
    let kernel = Kernel { ipvs: cluster.document.kubernetes.proxy.mode == ProxyMode::Ipvs, ipv6: cluster.has_ipv6() };
    let mut files = Vec::new();
    let mut add = |path: String, text| files.push((path, text));
    for name in ["etc/modules-load.d/hagen.conf", "etc/sysctl.d/90-hagen.conf"] {
        add(format!("/{name}"), render(name, &kernel)?);
    }
    let servers = Servers { servers: &cluster.document.network.ntp };
    match node.system.chrony {
        _ if servers.servers.is_empty() => {}
        Some(path) => add(path.to_owned(), render("etc/chrony.conf", &servers)?),
        // Whichever of the two the machine runs.
        None => {
            for name in ["etc/systemd/timesyncd.conf.d/10-hagen.conf", "etc/chrony/sources.d/hagen.sources"] {
                add(format!("/{name}"), render(name, &servers)?);
            }
        }
    }
    if let Some(program) = node.system.containerd {
        add(drop_in("containerd.service"), render("etc/systemd/system/containerd.conf", &Containerd { program })?);
    }
    for unit in node.system.updating {
        add(drop_in(unit), render("etc/systemd/system/held.conf", &())?);
    }
    Ok(files)
}

/// Where hagen adds to a unit of the system's own.
fn drop_in(unit: &str) -> String {
    format!("/etc/systemd/system/{unit}.d/10-hagen.conf")
}

/// /etc/sudoers.d/90-hagen: the users who may become root.
///
/// # Errors
/// [`TemplateError`], as [`node_env`].
pub fn sudoers(users: &[&str]) -> Result<String, TemplateError> {
    #[derive(Serialize)]
    struct Sudoers<'a> {
        users: &'a [&'a str],
    }
    render("etc/sudoers.d/90-hagen", &Sudoers { users })
}

/// Whether a node joins with the bootstrap token.
#[must_use]
pub fn joins_with_token(node: &Node<'_>) -> bool {
    matches!(node.part, Part::ControlPlane(Certificates::Upload) | Part::Worker(Credentials::Token))
}

/// Where the static Pod's manifest waits for its interface's name.
pub const KUBE_VIP_MANIFEST: &str = "/etc/hagen/kube-vip.yaml";
/// Where kube-vip's rights wait for an API server.
pub const KUBE_VIP_RBAC: &str = "/etc/hagen/kube-vip-rbac.yaml";
