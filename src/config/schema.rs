//! The document as typed values: what `cluster.yaml` says, with every constant default filled in.
//!
//! Every leaf is parsed into a type that cannot hold an invalid value ([`super::values`]).
//! Values that two rules may compare carry their [`Span`](super::diagnostics::Span), so that a message can point at both.
//! Defaults that depend on other values are the business of `cluster`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::diagnostics::{Span, Spanned};
use super::values::{
    BaseUrl, ByteSize, ClusterName, DnsName, FileMode, GoDuration, InterfaceName, KubernetesVersion, LabelKey,
    LabelValue, MacAddress, MachineUuid, NodeName, SubjectAlternativeName, UserName,
};
use crate::os::{Format, OperatingSystem};

/// One cluster: the whole of `cluster.yaml`.
#[derive(Debug, Clone)]
pub struct Document {
    /// `name`: kubeadm's `clusterName`.
    pub name: Spanned<ClusterName>,
    /// `format`: how bundles are encoded; `None` leaves it to each machine's `os`.
    pub format: Option<Format>,
    /// `kubernetes`: versions, ranges, components.
    pub kubernetes: Kubernetes,
    /// `endpoint`: where the API answers.
    pub endpoint: Endpoint,
    /// `etcd`.
    pub etcd: Etcd,
    /// `bootstrap`: how machines find and trust each other.
    pub bootstrap: Bootstrap,
    /// `pki`: lifetimes of certificates.
    pub pki: Pki,
    /// `os`: what the machines run.
    pub os: OperatingSystem,
    /// `network`: what all nodes share.
    pub network: Network,
    /// `software`: where programs and container images come from.
    pub software: Software,
    /// `containerd`.
    pub containerd: Containerd,
    /// `userDataLimit`: what carries user-data, or config.ign, to every machine takes no more than this.
    pub user_data_limit: Option<UserDataLimit>,
    /// `media`: what carries the bundles, by name.
    pub media: Vec<&'static str>,
    /// `manifests`: applied once the API answers, in this order.
    pub manifests: Vec<Manifest>,
    /// `users`: accounts on every node.
    pub users: Vec<User>,
    /// `files`: extra files for every node.
    pub files: Vec<File>,
    /// `nodes`, in the document's order.
    pub nodes: Vec<Node>,
    /// `proxmox`: what virtual machines of Proxmox VE have in common.
    pub proxmox: Proxmox,
    /// `pxe`: booting over the network.
    pub pxe: Option<Pxe>,
}

/// `kubernetes`.
#[derive(Debug, Clone)]
pub struct Kubernetes {
    /// `version`: exact.
    pub version: Spanned<KubernetesVersion>,
    /// `podSubnet`: one range, or one of each family.
    pub pod_subnet: Vec<Spanned<IpNet>>,
    /// `serviceSubnet`: one range, or one of each family.
    pub service_subnet: Vec<Spanned<IpNet>>,
    /// `dnsDomain`.
    pub dns_domain: DnsName,
    /// `imageRepository`.
    pub image_repository: String,
    /// `proxy`: kube-proxy.
    pub proxy: Proxy,
    /// `apiServer`.
    pub api_server: ApiServer,
    /// `controllerManager.extraArgs`.
    pub controller_manager_extra_args: BTreeMap<String, String>,
    /// `scheduler.extraArgs`.
    pub scheduler_extra_args: BTreeMap<String, String>,
    /// `kubelet`: fields of KubeletConfiguration, passed through.
    pub kubelet: serde_json::Map<String, serde_json::Value>,
    /// `ignorePreflightErrors`: kubeadm's names, never `all`.
    pub ignore_preflight_errors: Vec<String>,
    /// `kubeletExtraArgs`.
    pub kubelet_extra_args: BTreeMap<String, String>,
    /// `timeouts`.
    pub timeouts: Timeouts,
}

/// `kubernetes.proxy`.
#[derive(Debug, Clone)]
pub struct Proxy {
    /// `mode`, default iptables.
    pub mode: ProxyMode,
    /// `config`: fields of KubeProxyConfiguration, passed through.
    pub config: serde_json::Map<String, serde_json::Value>,
}

/// `kubernetes.proxy.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyMode {
    /// kube-proxy with iptables.
    Iptables,
    /// kube-proxy with nftables.
    Nftables,
    /// kube-proxy with IPVS.
    Ipvs,
    /// No kube-proxy: kubeadm's phase `addon/kube-proxy` is skipped.
    None,
}

/// `kubernetes.apiServer`.
#[derive(Debug, Clone, Default)]
pub struct ApiServer {
    /// `certSANs`: more names of the API server.
    pub cert_sans: Vec<SubjectAlternativeName>,
    /// `extraArgs`.
    pub extra_args: BTreeMap<String, String>,
    /// `extraVolumes`.
    pub extra_volumes: Vec<ExtraVolume>,
}

/// One of `kubernetes.apiServer.extraVolumes`, with kubeadm's fields.
#[derive(Debug, Clone)]
pub struct ExtraVolume {
    /// `name`.
    pub name: String,
    /// `hostPath`: absolute.
    pub host_path: String,
    /// `mountPath`: absolute.
    pub mount_path: String,
    /// `readOnly`, default false.
    pub read_only: bool,
    /// `pathType`, default empty.
    pub path_type: Option<String>,
}

/// `kubernetes.timeouts`: kubeadm's own names.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// Default 10m.
    pub control_plane_component_health_check: GoDuration,
    /// Default 30m: kubeadm's retry is the wait for the cluster.
    pub discovery: GoDuration,
    /// Default 2m, kubeadm's own: a join waits as long for each member of etcd that is off, and is tried again when
    /// another one was etcd's one learner for longer.
    pub etcd_api_call: GoDuration,
    /// Default 10m.
    pub kubelet_health_check: GoDuration,
    /// Default 5m.
    pub kubernetes_api_call: GoDuration,
    /// Default 10m.
    pub tls_bootstrap: GoDuration,
}

/// `endpoint`.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `name`; `None` means `api.<cluster>.internal`.
    pub name: Option<DnsName>,
    /// `port`, default 6443.
    pub port: u16,
    /// `vip`.
    pub vip: Spanned<IpAddr>,
    /// `kubeVip`.
    pub kube_vip: KubeVip,
}

/// `endpoint.kubeVip`.
#[derive(Debug, Clone)]
pub struct KubeVip {
    /// `interface`; `None` means the one that holds the node's address, found at boot.
    pub interface: Option<InterfaceName>,
    /// `services`: also announce Services of type LoadBalancer. Default false.
    pub services: bool,
    /// `image`; `None` means the release that hagen was tested with.
    pub image: Option<String>,
    /// `lease.duration` in seconds, default 15.
    pub lease_duration: u32,
    /// `lease.renewDeadline` in seconds, default 10.
    pub renew_deadline: u32,
    /// `lease.retryPeriod` in seconds, default 2.
    pub retry_period: u32,
}

/// `etcd`.
#[derive(Debug, Clone, Default)]
pub struct Etcd {
    /// `imageTag`; `None` leaves the choice to kubeadm.
    pub image_tag: Option<String>,
    /// `extraArgs`.
    pub extra_args: BTreeMap<String, String>,
}

/// `bootstrap`.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// `certificates`: how joining control planes get the authorities' keys.
    pub certificates: Certificates,
    /// `credentials`: what workers join with.
    pub credentials: Credentials,
    /// `window`: a bundle older than `issuedAt` + window may join but never start a cluster. Default 168h.
    pub window: GoDuration,
}

/// `bootstrap.certificates`, and a control plane's own `certificates`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificates {
    /// Downloaded from the cluster, encrypted with the certificate key.
    Upload,
    /// In the bundle.
    Embed,
}

/// `bootstrap.credentials`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credentials {
    /// A client certificate for this one node name.
    Certificate,
    /// The cluster's bootstrap token.
    Token,
}

/// `pki`.
#[derive(Debug, Clone)]
pub struct Pki {
    /// `caCertificateValidityPeriod`, default 87600h.
    pub ca_certificate_validity_period: GoDuration,
    /// `certificateValidityPeriod`, default 8760h.
    pub certificate_validity_period: GoDuration,
}

/// `network`.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// `gateway`: the default route of every node.
    pub gateway: Option<Spanned<IpAddr>>,
    /// `nameservers`.
    pub nameservers: Vec<IpAddr>,
    /// `search`.
    pub search: Vec<DnsName>,
    /// `ntp`: time servers, names or addresses.
    pub ntp: Vec<String>,
    /// `mtu`.
    pub mtu: Option<u16>,
}

/// `containerd`.
#[derive(Debug, Clone, Default)]
pub struct Containerd {
    /// `extraConfig`: TOML that is merged over hagen's.
    pub extra_config: Option<toml::Table>,
}

/// `userDataLimit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserDataLimit {
    /// `size`.
    pub size: ByteSize,
    /// `gzipped`: the carrier is given the file compressed with gzip. Default false.
    pub gzipped: bool,
}

/// `proxmox`, with Proxmox' units.
#[derive(Debug, Clone)]
pub struct Proxmox {
    /// `vmidBase`: a machine's VMID is this plus the last number of its address.
    pub vmid_base: Option<u32>,
    /// `host`: the Proxmox node.
    pub host: Option<String>,
    /// `image`: the volume or file that disks are copied from.
    pub image: Option<String>,
    /// `storage` of the disks, default local-lvm.
    pub storage: String,
    /// `isoStorage`, default local.
    pub iso_storage: String,
    /// `bridge`, default vmbr0.
    pub bridge: InterfaceName,
    /// `vlan`.
    pub vlan: Option<u16>,
    /// `cores`, default 2.
    pub cores: u32,
    /// `memory` in MiB, default 4096.
    pub memory: u32,
    /// `disk` in GiB, default 32.
    pub disk: u32,
    /// `agent`: the image has qemu-guest-agent. Default false.
    pub agent: bool,
}

impl Proxmox {
    /// The VMID of a machine with such an address, and perhaps its own `vmid`; `None` when it is no VM of Proxmox'.
    #[must_use]
    pub fn vmid(&self, own: Option<u32>, address: IpAddr) -> Option<u32> {
        let last = match address {
            IpAddr::V4(address) => u32::from(address.octets()[3]),
            IpAddr::V6(address) => u32::from(address.segments()[7]),
        };
        own.or(self.vmid_base.map(|base| base + last))
    }
}

/// `nodes[].proxmox`; what is `None` is the cluster's.
#[derive(Debug, Clone, Default)]
pub struct NodeProxmox {
    /// `vmid`.
    pub vmid: Option<Spanned<u32>>,
    /// `host`.
    pub host: Option<String>,
    /// `image`.
    pub image: Option<String>,
    /// `storage`.
    pub storage: Option<String>,
    /// `bridge`.
    pub bridge: Option<InterfaceName>,
    /// `vlan`.
    pub vlan: Option<u16>,
    /// `cores`.
    pub cores: Option<u32>,
    /// `memory` in MiB.
    pub memory: Option<u32>,
    /// `disk` in GiB.
    pub disk: Option<u32>,
    /// `agent`.
    pub agent: Option<bool>,
}

/// `software`.
#[derive(Debug, Clone, Default)]
pub struct Software {
    /// `source: payload`: programs are installed from the payload.
    pub installs: bool,
    /// `images: payload`: container images are loaded from the payload.
    pub loads_images: bool,
    /// `extraImages`, as written.
    pub extra_images: Vec<String>,
    /// `extraPackages`.
    pub extra_packages: Vec<String>,
}

/// `pxe`.
#[derive(Debug, Clone)]
pub struct Pxe {
    /// `url`: where machines reach what is served.
    pub url: BaseUrl,
    /// `disk`: what installers write to.
    pub disk: Option<String>,
    /// `arguments`: of the kernel.
    pub arguments: Vec<String>,
}

/// `nodes[].pxe`.
#[derive(Debug, Clone, Default)]
pub struct NodePxe {
    /// `uuid`: SMBIOS', by which the machine is known as well.
    pub uuid: Option<Spanned<MachineUuid>>,
    /// `disk` of this node.
    pub disk: Option<String>,
    /// `arguments` of this node, instead of the cluster's.
    pub arguments: Option<Vec<String>>,
}

/// One of `manifests`.
#[derive(Debug, Clone)]
pub struct Manifest {
    /// The path as written in the document, relative to it.
    pub path: String,
    /// The text of that file.
    pub content: String,
    /// The container images that its Pods name.
    pub images: Vec<ManifestImage>,
}

/// A container image in a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestImage {
    /// As written there.
    pub name: String,
    /// Whether the kubelet asks its registry each time that a container starts, though it has the image.
    pub is_always_pulled: bool,
    /// Where it stands.
    pub span: Span,
}

/// One of `users`.
#[derive(Debug, Clone)]
pub struct User {
    /// `name`.
    pub name: Spanned<UserName>,
    /// `sshAuthorizedKeys`: lines of authorized_keys.
    pub ssh_authorized_keys: Vec<String>,
    /// `sudo`: may become root without a password. Default false.
    pub sudo: bool,
}

/// One of `files`: the document gives `content` (text) or `source` (a file beside the document).
#[derive(Debug, Clone)]
pub struct File {
    /// `path`: absolute, normalised.
    pub path: Spanned<String>,
    /// The bytes.
    pub content: Vec<u8>,
    /// `mode`: octal in a string, default "0644"; without setuid and setgid.
    pub mode: FileMode,
    /// `owner`: `user:group`; `None` means `root:root`.
    pub owner: Option<Spanned<String>>,
}

/// One of `nodes`.
#[derive(Debug, Clone)]
pub struct Node {
    /// `name`: host name and Node name.
    pub name: Spanned<NodeName>,
    /// `role`.
    pub role: Spanned<Role>,
    /// `address`: with prefix length; what the node registers with.
    pub address: Spanned<IpNet>,
    /// `mac`: when given, the NIC is matched by it.
    pub mac: Option<Spanned<MacAddress>>,
    /// `interface`: when given, the NIC's name; with `network`, the device that gets `address`.
    pub interface: Option<Spanned<InterfaceName>>,
    /// `network`, kind by kind in the document's order.
    pub network: Vec<Device>,
    /// `certificates`: overrides `bootstrap.certificates` for this control plane.
    pub certificates: Option<Certificates>,
    /// `roles`: more role labels of a worker, as in `node-role.kubernetes.io/<role>`.
    pub roles: Vec<LabelKey>,
    /// `labels`: what the kubelet registers with.
    pub labels: BTreeMap<LabelKey, LabelValue>,
    /// `taints`; `None` leaves kubeadm's default, an empty list means none.
    pub taints: Option<Vec<Taint>>,
    /// `kubeletExtraArgs`: added to the cluster's.
    pub kubelet_extra_args: BTreeMap<String, String>,
    /// `files`: extra files for this node; one with the path of a cluster-wide file replaces it.
    pub files: Vec<File>,
    /// `userDataLimit` of this node.
    pub user_data_limit: Option<UserDataLimit>,
    /// `format` of this node.
    pub format: Option<Format>,
    /// `os` of this node.
    pub os: Option<OperatingSystem>,
    /// `proxmox` of this node.
    pub proxmox: NodeProxmox,
    /// `pxe` of this node.
    pub pxe: NodePxe,
}

impl Node {
    /// Its NICs' MAC addresses, as far as the document says them.
    pub fn macs(&self) -> impl Iterator<Item = &Spanned<MacAddress>> {
        macs(self.mac.as_ref(), &self.network)
    }

    /// Those of the NICs that `address` is reached by: all members of its bond or bridge. Without a device that has
    /// `address`, any may be.
    pub fn own_macs(&self) -> impl Iterator<Item = &Spanned<MacAddress>> {
        own_macs(self.mac.as_ref(), &self.network, self.address_device())
    }

    /// The device of `network` that holds `address`.
    pub fn address_device(&self) -> Option<&Device> {
        address_device(&self.network, self.interface.as_ref(), &self.address)
    }
}

/// The MAC addresses of a node with `mac` and `network`.
pub(super) fn macs<'n>(
    mac: Option<&'n Spanned<MacAddress>>,
    devices: &'n [Device],
) -> impl Iterator<Item = &'n Spanned<MacAddress>> {
    mac.into_iter().chain(devices.iter().filter_map(Device::mac))
}

/// Those of the NICs that `device` is made of; all of them where there is none.
pub(super) fn own_macs<'n>(
    mac: Option<&'n Spanned<MacAddress>>,
    devices: &'n [Device],
    device: Option<&'n Device>,
) -> impl Iterator<Item = &'n Spanned<MacAddress>> {
    let below = device.map(|device| below(devices, device));
    let is_own = move |device: &&Device| below.as_ref().is_none_or(|below| below.contains(&device.name.value));
    mac.into_iter().chain(devices.iter().filter(is_own).filter_map(Device::mac))
}

/// The names of a device and of all that it is made of.
fn below<'d>(devices: &'d [Device], device: &'d Device) -> BTreeSet<&'d InterfaceName> {
    let mut names = BTreeSet::from([&device.name.value]);
    loop {
        let parts = devices.iter().filter(|device| names.contains(&device.name.value)).flat_map(Device::parts);
        let found: BTreeSet<&InterfaceName> = parts.chain(names.iter().copied()).collect();
        if found.len() == names.len() {
            return names;
        }
        names = found;
    }
}

/// The device that holds a node's address: the one that `interface` names, or else the first that lists the address.
pub(super) fn address_device<'d>(
    devices: &'d [Device],
    interface: Option<&Spanned<InterfaceName>>,
    address: &IpNet,
) -> Option<&'d Device> {
    devices.iter().find(|device| match interface {
        Some(name) => device.name.value == name.value,
        None => device.addresses.iter().any(|own| own.addr() == address.addr()),
    })
}

/// One device of `nodes[].network`, with netplan's names and meanings.
#[derive(Debug, Clone)]
pub struct Device {
    /// Its key: the interface's name, unless it is matched by MAC address.
    pub name: Spanned<InterfaceName>,
    /// What it is.
    pub kind: DeviceKind,
    /// `dhcp4`, default false.
    pub dhcp4: bool,
    /// `dhcp6`, default false.
    pub dhcp6: bool,
    /// `addresses`, with prefix length.
    pub addresses: Vec<Spanned<IpNet>>,
    /// `routes`.
    pub routes: Vec<Route>,
    /// `nameservers.addresses`.
    pub nameservers: Vec<Spanned<IpAddr>>,
    /// `nameservers.search`.
    pub search: Vec<DnsName>,
    /// `mtu`.
    pub mtu: Option<u16>,
}

impl Device {
    /// The interface's name, where the document says it.
    pub fn interface_name(&self) -> Option<&InterfaceName> {
        match &self.kind {
            DeviceKind::Ethernet { mac: Some(_), set_name } => set_name.as_deref(),
            _ => Some(&self.name),
        }
    }

    /// `interfaces` of a bond or bridge.
    pub fn members(&self) -> &[Spanned<InterfaceName>] {
        match &self.kind {
            DeviceKind::Bond { interfaces, .. } | DeviceKind::Bridge { interfaces, .. } => interfaces,
            _ => &[],
        }
    }

    /// `interfaces`, or a VLAN's `link`.
    fn parts(&self) -> impl Iterator<Item = &InterfaceName> {
        let link = if let DeviceKind::Vlan { link, .. } = &self.kind { Some(&link.value) } else { None };
        self.members().iter().map(|name| &name.value).chain(link)
    }

    /// `match.macaddress` of one of `ethernets`.
    pub fn mac(&self) -> Option<&Spanned<MacAddress>> {
        if let DeviceKind::Ethernet { mac, .. } = &self.kind { mac.as_ref() } else { None }
    }

    /// Whether DHCP gives it an address of the same family.
    pub fn has_dhcp(&self, family: &IpAddr) -> bool {
        if family.is_ipv4() { self.dhcp4 } else { self.dhcp6 }
    }

    /// Whether it has a default route of the same family.
    pub fn has_default_route(&self, family: &IpAddr) -> bool {
        self.routes.iter().any(|route| route.to.value == everything(family))
    }
}

/// What a device is.
#[derive(Debug, Clone)]
pub enum DeviceKind {
    /// One of `ethernets`.
    Ethernet {
        /// `match.macaddress`.
        mac: Option<Spanned<MacAddress>>,
        /// `set-name`.
        set_name: Option<Spanned<InterfaceName>>,
    },
    /// One of `bonds`.
    Bond {
        /// `interfaces`.
        interfaces: Vec<Spanned<InterfaceName>>,
        /// `parameters`.
        parameters: BondParameters,
    },
    /// One of `bridges`.
    Bridge {
        /// `interfaces`.
        interfaces: Vec<Spanned<InterfaceName>>,
        /// `parameters`.
        parameters: BridgeParameters,
    },
    /// One of `vlans`.
    Vlan {
        /// `id`.
        id: Spanned<u16>,
        /// `link`.
        link: Spanned<InterfaceName>,
    },
}

/// `parameters` of a bond. Its words are those of the kernel, and so of netplan, systemd and NetworkManager.
#[derive(Debug, Clone)]
pub struct BondParameters {
    /// `mode`, default balance-rr.
    pub mode: &'static str,
    /// `mii-monitor-interval` in milliseconds, default 100.
    pub mii_monitor_interval: u32,
    /// `lacp-rate`.
    pub lacp_rate: Option<Spanned<&'static str>>,
    /// `transmit-hash-policy`.
    pub transmit_hash_policy: Option<&'static str>,
    /// `primary`: one of the members.
    pub primary: Option<Spanned<InterfaceName>>,
}

/// `parameters` of a bridge.
#[derive(Debug, Clone)]
pub struct BridgeParameters {
    /// `stp`, default true.
    pub stp: bool,
    /// `forward-delay` in seconds, default 15.
    pub forward_delay: Spanned<u8>,
}

/// One of a device's `routes`.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// `to`; `default` is the whole range of `via`'s family.
    pub to: Spanned<IpNet>,
    /// `via`.
    pub via: Spanned<IpAddr>,
    /// `metric`.
    pub metric: Option<u32>,
}

/// The range of all addresses of a family.
pub fn everything(family: &IpAddr) -> IpNet {
    if family.is_ipv4() { Ipv4Net::default().into() } else { Ipv6Net::default().into() }
}

/// `nodes[].role`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Runs the API and a member of etcd.
    ControlPlane,
    /// Runs Pods.
    Worker,
}

/// One of `nodes[].taints`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taint {
    /// `key`.
    pub key: LabelKey,
    /// `value`, may be empty.
    pub value: LabelValue,
    /// `effect`.
    pub effect: TaintEffect,
}

/// `nodes[].taints[].effect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaintEffect {
    /// `NoSchedule`.
    NoSchedule,
    /// `PreferNoSchedule`.
    PreferNoSchedule,
    /// `NoExecute`.
    NoExecute,
}
