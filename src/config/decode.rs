//! Tree -> [`Draft`]: which keys there are, what type each has, and its default.
//!
//! In: the tree of the document. Out: everything that could be read of it, and a message for everything that could
//! not. A draft becomes a [`Document`] when nothing is missing; until then the rules can look at what is there.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::catalogue::Code;
use super::diagnostics::{Span, Spanned};
use super::keys::{self, Shape};
use super::reader::{Context, Field, Fields};
use super::rules;
use super::schema::{
    ApiServer, BondParameters, Bootstrap, BridgeParameters, Certificates, Containerd, Credentials, Device, DeviceKind,
    Document, Endpoint, Etcd, ExtraVolume, File, KubeVip, Kubernetes, Manifest, Network, Node, NodeProxmox, NodePxe,
    Pki, Proxmox, Proxy, ProxyMode, Pxe, Role, Route, Software, Taint, TaintEffect, Timeouts, User, UserDataLimit,
    address_device, everything, macs, own_macs,
};
use super::tree::{self, Dialect, Kind, Plain};
use super::values::{
    ClusterName, DnsName, FileMode, GoDuration, InterfaceName, Invalid, KubernetesVersion, LabelKey, LabelValue,
    MacAddress, NodeName, parse_address, parse_interface_address, parse_range,
};
use crate::os::{Format, OPERATING_SYSTEMS, OperatingSystem};

/// What could be read of a document. A value without a default that could not be read is `None`.
pub(super) struct Draft {
    pub name: Option<Spanned<ClusterName>>,
    pub version: Option<Spanned<KubernetesVersion>>,
    pub vip: Option<Spanned<IpAddr>>,
    pub format: Option<Format>,
    /// Its version is a stand-in when `version` is `None`.
    pub kubernetes: Kubernetes,
    /// Its VIP is a stand-in when `vip` is `None`.
    pub endpoint: Endpoint,
    pub etcd: Etcd,
    pub bootstrap: Bootstrap,
    pub pki: Pki,
    pub os: OperatingSystem,
    pub network: Network,
    pub software: Software,
    pub containerd: Containerd,
    pub user_data_limit: Option<UserDataLimit>,
    pub media: Vec<&'static str>,
    pub manifests: Vec<Manifest>,
    pub users: Vec<User>,
    pub files: Vec<File>,
    /// One for each item of `nodes`, in the same order; `None` when `nodes` itself could not be read.
    pub nodes: Option<Vec<NodeDraft>>,
    pub proxmox: Proxmox,
    pub pxe: Option<Pxe>,
}

/// What could be read of a node.
#[derive(Default)]
pub(super) struct NodeDraft {
    pub name: Option<Spanned<NodeName>>,
    pub role: Option<Spanned<Role>>,
    pub address: Option<Spanned<IpNet>>,
    pub mac: Option<Spanned<MacAddress>>,
    pub interface: Option<Spanned<InterfaceName>>,
    /// A device of which something could not be read has stand-ins.
    pub network: Vec<Device>,
    /// Whether all of `network` could be read.
    pub network_is_whole: bool,
    pub certificates: Option<Certificates>,
    pub roles: Vec<LabelKey>,
    pub labels: BTreeMap<LabelKey, LabelValue>,
    pub taints: Option<Vec<Taint>>,
    pub kubelet_extra_args: BTreeMap<String, String>,
    pub files: Vec<File>,
    pub user_data_limit: Option<UserDataLimit>,
    pub format: Option<Format>,
    pub os: Option<OperatingSystem>,
    pub proxmox: NodeProxmox,
    pub pxe: NodePxe,
}

impl Draft {
    /// The document, when nothing without a default is missing.
    pub fn finish(self) -> Option<Document> {
        Some(Document {
            name: self.name?,
            format: self.format,
            kubernetes: Kubernetes { version: self.version?, ..self.kubernetes },
            endpoint: Endpoint { vip: self.vip?, ..self.endpoint },
            etcd: self.etcd,
            bootstrap: self.bootstrap,
            pki: self.pki,
            os: self.os,
            network: self.network,
            software: self.software,
            containerd: self.containerd,
            user_data_limit: self.user_data_limit,
            media: self.media,
            manifests: self.manifests,
            users: self.users,
            files: self.files,
            nodes: self.nodes?.into_iter().map(NodeDraft::finish).collect::<Option<_>>()?,
            proxmox: self.proxmox,
            pxe: self.pxe,
        })
    }
}

impl NodeDraft {
    /// Its NICs' MAC addresses.
    pub fn macs(&self) -> impl Iterator<Item = &Spanned<MacAddress>> {
        macs(self.mac.as_ref(), &self.network)
    }

    /// Those of the NICs that `address` is reached by.
    pub fn own_macs(&self) -> impl Iterator<Item = &Spanned<MacAddress>> {
        own_macs(self.mac.as_ref(), &self.network, self.address_device())
    }

    /// The device of `network` that holds `address`.
    pub fn address_device(&self) -> Option<&Device> {
        address_device(&self.network, self.interface.as_ref(), &self.address?.value)
    }

    /// The addresses of its devices, but for `address` where it should be; each with its device.
    pub fn other_addresses(&self) -> impl Iterator<Item = (Spanned<IpNet>, &Device)> {
        let own = self.address_device().zip(self.address).map(|(device, address)| (&device.name.value, address.addr()));
        let all = self.network.iter().flat_map(|device| device.addresses.iter().map(move |net| (*net, device)));
        all.filter(move |(net, device)| own != Some((&device.name.value, net.addr())))
    }

    /// Whether no device of `network` has `address`, and one may get it by DHCP.
    pub fn trusts_dhcp(&self) -> bool {
        let has_dhcp = |address: Spanned<IpNet>| self.network.iter().any(|device| device.has_dhcp(&address.addr()));
        self.interface.is_none() && self.address_device().is_none() && self.address.is_some_and(has_dhcp)
    }

    /// The key that makes hagen give the machine its address; without one, the image or DHCP gives it.
    pub fn address_key(&self) -> Option<&'static str> {
        match (&self.mac, &self.interface) {
            _ if !self.network.is_empty() || !self.network_is_whole => (!self.trusts_dhcp()).then_some("network"),
            (Some(_), _) => Some("mac"),
            (None, Some(_)) => Some("interface"),
            (None, None) => None,
        }
    }

    /// The name of the interface that holds `address`, where the document says it.
    pub fn interface_name(&self) -> Option<Spanned<&InterfaceName>> {
        match self.address_device() {
            Some(device) => device.interface_name().map(|name| Spanned::new(name, device.name.span)),
            None => self.interface.as_ref().map(|name| Spanned::new(&name.value, name.span)),
        }
    }

    fn finish(self) -> Option<Node> {
        Some(Node {
            name: self.name?,
            role: self.role?,
            address: self.address?,
            mac: self.mac,
            interface: self.interface,
            network: self.network,
            certificates: self.certificates,
            roles: self.roles,
            labels: self.labels,
            taints: self.taints,
            kubelet_extra_args: self.kubelet_extra_args,
            files: self.files,
            user_data_limit: self.user_data_limit,
            format: self.format,
            os: self.os,
            proxmox: self.proxmox,
            pxe: self.pxe,
        })
    }
}

/// The help for a document that says nothing yet.
pub(super) const FIRST_LINE: &str = "begin with `name: homelab`; `examples/` has whole documents";

/// Reads the document's root, a mapping.
pub(super) fn document(root: &tree::Node, context: &Context<'_>) -> Option<Draft> {
    let field = Field { path: String::new(), node: root, shape: Shape::Mapping(keys::DOCUMENT), context };
    let fields = field.fields()?;

    let name = fields.required("name", Field::spanned);
    let format = fields.optional("format", format);
    let (version, kubernetes) = kubernetes(fields.section("kubernetes"));
    let (vip, endpoint) = endpoint(fields.section("endpoint"));
    let etcd = etcd(fields.section("etcd"));
    let bootstrap = bootstrap(fields.section("bootstrap"));
    let pki = pki(fields.section("pki"));
    let os = fields.or("os", OperatingSystem::Debian, operating_system);
    let network = network(fields.section("network"));
    let software = software(fields.section("software"));
    let containerd = fields.section("containerd");
    let extra_config = containerd.optional("extraConfig", toml_table);
    containerd.finish();
    let user_data_limit = fields.optional("userDataLimit", user_data_limit);
    let media = fields.or("media", Vec::new(), |field| field.list(Field::word));
    let manifests = fields.or("manifests", Vec::new(), |field| field.list(manifest));
    let users = fields.or("users", Vec::new(), |field| field.list(user));
    let files = fields.or("files", Vec::new(), |field| field.list(file));
    let nodes = fields.required("nodes", |field| Some(field.items()?.iter().map(node).collect()));
    let proxmox = proxmox(fields.section("proxmox"));
    let pxe = fields.optional("pxe", pxe);
    fields.finish();

    let containerd = Containerd { extra_config };
    Some(Draft {
        name,
        version,
        vip,
        format,
        kubernetes,
        endpoint,
        etcd,
        bootstrap,
        pki,
        os,
        network,
        software,
        containerd,
        user_data_limit,
        media,
        manifests,
        users,
        files,
        nodes,
        proxmox,
        pxe,
    })
}

fn kubernetes(fields: Fields<'_>) -> (Option<Spanned<KubernetesVersion>>, Kubernetes) {
    let version = fields.required("version", Field::spanned);
    let range =
        |field: &Field<'_>| field.one_or_list(|item| item.parsed("a range", parse_range).map(|range| item.here(range)));
    let default_range = |text: &str| -> Vec<Spanned<IpNet>> {
        text.parse().map(|range| Spanned::new(range, fields.span)).into_iter().collect()
    };
    let (default_pods, default_services) = (default_range("10.244.0.0/16"), default_range("10.96.0.0/12"));
    let pod_subnet = fields.or("podSubnet", default_pods, range);
    let service_subnet = fields.or("serviceSubnet", default_services, range);
    let dns_domain = fields.optional("dnsDomain", Field::value);
    let image_repository =
        fields.or("imageRepository", "registry.k8s.io".to_owned(), |field| field.parsed("text", image_repository));
    let proxy = proxy(fields.section("proxy"));
    let section = fields.section("apiServer");
    let api_server = ApiServer {
        cert_sans: section.or("certSANs", Vec::new(), |field| field.list(Field::value)),
        extra_args: section.or("extraArgs", BTreeMap::new(), arguments),
        extra_volumes: section.or("extraVolumes", Vec::new(), |field| field.list(extra_volume)),
    };
    section.finish();
    let component = |key| {
        let section = fields.section(key);
        let extra_args = section.or("extraArgs", BTreeMap::new(), arguments);
        section.finish();
        extra_args
    };
    let controller_manager_extra_args = component("controllerManager");
    let scheduler_extra_args = component("scheduler");
    let kubelet = fields.or("kubelet", serde_json::Map::new(), json_object);
    let ignore_preflight_errors = fields.or("ignorePreflightErrors", Vec::new(), |field| {
        field.list(|item| {
            item.parsed("text", plain_word)?;
            item.checked(Code::IgnoreAll, "text", rules::arguments::preflight_check)
        })
    });
    let kubelet_extra_args = fields.or("kubeletExtraArgs", BTreeMap::new(), arguments);
    let timeouts = timeouts(fields.section("timeouts"));
    let stand_in = Spanned::new(KubernetesVersion::NEWEST, fields.span);
    fields.finish();
    let kubernetes = Kubernetes {
        version: version.unwrap_or(stand_in),
        pod_subnet,
        service_subnet,
        dns_domain: dns_domain.unwrap_or_else(DnsName::cluster_local),
        image_repository,
        proxy,
        api_server,
        controller_manager_extra_args,
        scheduler_extra_args,
        kubelet,
        ignore_preflight_errors,
        kubelet_extra_args,
        timeouts,
    };
    (version, kubernetes)
}

fn proxy(fields: Fields<'_>) -> Proxy {
    let mode = fields.or("mode", ProxyMode::Iptables, |field| {
        let modes = [
            ("iptables", ProxyMode::Iptables),
            ("nftables", ProxyMode::Nftables),
            ("ipvs", ProxyMode::Ipvs),
            ("none", ProxyMode::None),
        ];
        field.choice(&modes)
    });
    let config = fields.or("config", serde_json::Map::new(), json_object);
    fields.finish();
    Proxy { mode, config }
}

fn timeouts(fields: Fields<'_>) -> Timeouts {
    let timeout = |key, minutes: u64| fields.or(key, GoDuration::from_secs(minutes * 60), Field::value);
    let timeouts = Timeouts {
        control_plane_component_health_check: timeout("controlPlaneComponentHealthCheck", 10),
        discovery: timeout("discovery", 30),
        etcd_api_call: timeout("etcdAPICall", 2),
        kubelet_health_check: timeout("kubeletHealthCheck", 10),
        kubernetes_api_call: timeout("kubernetesAPICall", 5),
        tls_bootstrap: timeout("tlsBootstrap", 10),
    };
    fields.finish();
    timeouts
}

fn extra_volume(field: &Field<'_>) -> Option<ExtraVolume> {
    let fields = field.fields()?;
    let path = |field: &Field<'_>| field.checked(Code::BadPath, "a path", rules::files::plain_path);
    let name = fields.required("name", |field| {
        field.parsed("text", |text| {
            text.parse::<NodeName>().map(|name| name.to_string()).map_err(|_| {
                Invalid::new(
                    format!("`{text}` is not the name of a volume"),
                    "use up to 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit",
                )
            })
        })
    });
    let host_path = fields.required("hostPath", path);
    let mount_path = fields.required("mountPath", path);
    let read_only = fields.or("readOnly", false, Field::boolean);
    let path_type = fields.optional("pathType", Field::word);
    fields.finish();
    Some(ExtraVolume {
        name: name?,
        host_path: host_path?,
        mount_path: mount_path?,
        read_only,
        path_type: path_type.map(str::to_owned),
    })
}

fn endpoint(fields: Fields<'_>) -> (Option<Spanned<IpAddr>>, Endpoint) {
    let vip = fields.required("vip", spanned_address);
    let name = fields.optional("name", Field::value);
    let port = fields.or("port", 6443, |field| field.integer());
    fields.optional("provider", |field| field.choice(&[("kube-vip", ())]));
    let section = fields.section("kubeVip");
    section.optional("mode", |field| field.choice(&[("arp", ())]));
    let interface = section.optional("interface", Field::value);
    let services = section.or("services", false, Field::boolean);
    let image = section.optional("image", |field| field.parsed("text", rules::images::image));
    let lease = section.section("lease");
    let seconds = |key, default| lease.or(key, default, |field| field.integer());
    let lease_duration = seconds("duration", 15);
    let renew_deadline = seconds("renewDeadline", 10);
    let retry_period = seconds("retryPeriod", 2);
    lease.finish();
    section.finish();
    let stand_in = Spanned::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), fields.span);
    fields.finish();
    let kube_vip = KubeVip { interface, services, image, lease_duration, renew_deadline, retry_period };
    (vip, Endpoint { name, port, vip: vip.unwrap_or(stand_in), kube_vip })
}

fn etcd(fields: Fields<'_>) -> Etcd {
    fields.optional("topology", |field| field.choice(&[("stacked", ())]));
    let image_tag = fields.optional("imageTag", |field| field.parsed("text", image_tag));
    let extra_args = fields.or("extraArgs", BTreeMap::new(), arguments);
    fields.finish();
    Etcd { image_tag, extra_args }
}

const CERTIFICATES: [(&str, Certificates); 2] = [("upload", Certificates::Upload), ("embed", Certificates::Embed)];

fn bootstrap(fields: Fields<'_>) -> Bootstrap {
    fields.optional("strategy", |field| field.choice(&[("init-join", ())]));
    let certificates = fields.or("certificates", Certificates::Upload, |field| field.choice(&CERTIFICATES));
    let credentials = fields.or("credentials", Credentials::Certificate, |field| {
        field.choice(&[("certificate", Credentials::Certificate), ("token", Credentials::Token)])
    });
    let window = fields.or("window", GoDuration::from_secs(168 * 3600), Field::value);
    fields.finish();
    Bootstrap { certificates, credentials, window }
}

fn pki(fields: Fields<'_>) -> Pki {
    let period = |key, hours: u64| fields.or(key, GoDuration::from_secs(hours * 3600), Field::value);
    let pki = Pki {
        ca_certificate_validity_period: period("caCertificateValidityPeriod", 87600),
        certificate_validity_period: period("certificateValidityPeriod", 8760),
    };
    fields.finish();
    pki
}

fn format(field: &Field<'_>) -> Option<Format> {
    field.choice(&[("cloud-init", Format::CloudInit), ("ignition", Format::Ignition)])
}

fn user_data_limit(field: &Field<'_>) -> Option<UserDataLimit> {
    let fields = field.fields()?;
    let size = fields.required("size", Field::value);
    let gzipped = fields.or("gzipped", false, Field::boolean);
    fields.finish();
    Some(UserDataLimit { size: size?, gzipped })
}

fn operating_system(field: &Field<'_>) -> Option<OperatingSystem> {
    field.choice(&OPERATING_SYSTEMS)
}

fn network(fields: Fields<'_>) -> Network {
    let network = Network {
        gateway: fields.optional("gateway", spanned_address),
        nameservers: fields
            .or("nameservers", Vec::new(), |field| field.list(|item| item.parsed("an address", parse_address))),
        search: fields.or("search", Vec::new(), |field| field.list(Field::value)),
        ntp: fields.or("ntp", Vec::new(), |field| field.list(|item| item.parsed("a name or an address", time_server))),
        mtu: fields.optional("mtu", |field| field.integer()),
    };
    fields.finish();
    network
}

fn software(fields: Fields<'_>) -> Software {
    let installs = fields.or("source", false, |field| field.choice(&[("preinstalled", false), ("payload", true)]));
    let loads_images = fields.or("images", installs, |field| field.choice(&[("registry", false), ("payload", true)]));
    let extra_images =
        fields.or("extraImages", Vec::new(), |field| field.list(|item| item.parsed("text", rules::images::image)));
    let extra_packages = fields
        .or("extraPackages", Vec::new(), |field| field.list(|item| item.parsed("text", rules::software::package)));
    fields.finish();
    Software { installs, loads_images, extra_images, extra_packages }
}

fn user(field: &Field<'_>) -> Option<User> {
    let fields = field.fields()?;
    let name = fields.required("name", Field::spanned);
    let keys = fields.or("sshAuthorizedKeys", Vec::new(), |field| {
        field.list(|item| item.checked(Code::BadAuthorizedKey, "a public key", rules::users::authorized_key))
    });
    let sudo = fields.or("sudo", false, Field::boolean);
    fields.finish();
    Some(User { name: name?, ssh_authorized_keys: keys, sudo })
}

fn file(field: &Field<'_>) -> Option<File> {
    let fields = field.fields()?;
    let path = fields.required("path", |field| {
        field.checked(Code::BadPath, "a path", rules::files::plain_path).map(|path| field.here(path))
    });
    let content = fields.optional("content", |field| Some((field.node.span, field.text("text")?.as_bytes().to_vec())));
    let source = fields.optional("source", |field| Some((field.node.span, bytes(field, field.text("a path")?)?)));
    let given = ["content", "source"].map(|key| field.node.entry(key).is_some_and(|(_, node)| !node.is_null()));
    let mode = fields.or("mode", FileMode::READABLE, Field::value);
    let owner =
        fields.optional("owner", |field| field.parsed("text", rules::files::owner).map(|owner| field.here(owner)));
    fields.finish();
    match (given, &content, &source) {
        ([false, false], ..) => field.push(
            field
                .error(Code::FileContent, format!("`{}` has neither `content` nor `source`", field.path))
                .help("add `content: text`, or `source: ./file` for a file beside the document"),
        ),
        ([true, true], Some((content, _)), Some((source, _))) => field.push(
            super::diagnostics::Diagnostic::error(
                Code::FileContent,
                *source,
                format!("`{}` has both `content` and `source`", field.path),
            )
            .also(*content, "the other content")
            .help("keep one of the two"),
        ),
        _ => {}
    }
    Some(File { path: path?, content: content.or(source)?.1, mode, owner })
}

fn node(field: &Field<'_>) -> NodeDraft {
    let Some(fields) = field.fields() else { return NodeDraft::default() };
    let errors = || field.context.diagnostics.borrow().errors();
    let before = errors();
    let network = fields.or("network", Vec::new(), devices);
    let network_is_whole = errors() == before;
    let draft = NodeDraft {
        user_data_limit: fields.optional("userDataLimit", user_data_limit),
        format: fields.optional("format", format),
        os: fields.optional("os", operating_system),
        name: fields.required("name", Field::spanned),
        role: fields.required("role", |field| {
            let roles = [("control-plane", Role::ControlPlane), ("worker", Role::Worker)];
            field.choice(&roles).map(|role| field.here(role))
        }),
        address: fields.required("address", |field| {
            field.parsed("an address", parse_interface_address).map(|address| field.here(address))
        }),
        mac: fields.optional("mac", Field::spanned),
        interface: fields.optional("interface", Field::spanned),
        network,
        network_is_whole,
        certificates: fields.optional("certificates", |field| field.choice(&CERTIFICATES)),
        roles: fields.or("roles", Vec::new(), |field| {
            field.list(|item| item.checked(Code::BadRoleLabel, "text", rules::labels::role))
        }),
        labels: fields.or("labels", BTreeMap::new(), |field| field.map(str::parse, label_value)),
        taints: fields.optional("taints", |field| field.list(taint)),
        kubelet_extra_args: fields.or("kubeletExtraArgs", BTreeMap::new(), arguments),
        files: fields.or("files", Vec::new(), |field| field.list(file)),
        proxmox: node_proxmox(fields.section("proxmox")),
        pxe: node_pxe(fields.section("pxe")),
    };
    fields.finish();
    draft
}

/// `nodes[].network`.
fn devices(field: &Field<'_>) -> Option<Vec<Device>> {
    let fields = field.fields()?;
    let mut devices = Vec::new();
    let mut read = |key, kind: fn(&Fields<'_>) -> Option<DeviceKind>| {
        fields.optional(key, |field| {
            for (name, field) in field.keyed(str::parse)? {
                devices.extend(device(name, &field, kind));
            }
            Some(())
        });
    };
    read("ethernets", ethernet);
    read("bonds", bond);
    read("bridges", bridge);
    read("vlans", vlan);
    fields.finish();
    Some(devices)
}

fn device(
    name: Option<Spanned<InterfaceName>>,
    field: &Field<'_>,
    kind: fn(&Fields<'_>) -> Option<DeviceKind>,
) -> Option<Device> {
    let fields = field.fields_or_none()?;
    let kind = kind(&fields);
    let dhcp4 = fields.or("dhcp4", false, Field::boolean);
    let dhcp6 = fields.or("dhcp6", false, Field::boolean);
    let addresses = fields.or("addresses", Vec::new(), |field| {
        field.list(|item| item.parsed("an address", parse_interface_address).map(|address| item.here(address)))
    });
    let routes = fields.or("routes", Vec::new(), |field| field.list(route));
    let section = fields.section("nameservers");
    let nameservers = section.or("addresses", Vec::new(), |field| field.list(spanned_address));
    let search = section.or("search", Vec::new(), |field| field.list(Field::value));
    section.finish();
    let mtu = fields.optional("mtu", |field| field.integer());
    fields.finish();
    Some(Device { name: name?, kind: kind?, dhcp4, dhcp6, addresses, routes, nameservers, search, mtu })
}

fn spanned_address(field: &Field<'_>) -> Option<Spanned<IpAddr>> {
    field.parsed("an address", parse_address).map(|address| field.here(address))
}

fn route(field: &Field<'_>) -> Option<Route> {
    let fields = field.fields()?;
    // What `default` is depends on the gateway.
    let to = fields.required("to", |field| {
        let to = match field.text("a range")? {
            "default" => None,
            _ => Some(field.parsed("a range", parse_range)?),
        };
        Some(field.here(to))
    });
    let via = fields.required("via", spanned_address);
    let metric = fields.optional("metric", |field| field.integer());
    fields.finish();
    let via = via?;
    let to = to?.map(|range| range.unwrap_or_else(|| everything(&via)));
    Some(Route { to, via, metric })
}

fn ethernet(fields: &Fields<'_>) -> Option<DeviceKind> {
    let mac = fields.optional("match", |field| {
        let fields = field.fields()?;
        let mac = fields.required("macaddress", Field::spanned);
        fields.finish();
        mac
    });
    let set_name = fields.optional("set-name", Field::spanned);
    Some(DeviceKind::Ethernet { mac, set_name })
}

fn members(fields: &Fields<'_>) -> Option<Vec<Spanned<InterfaceName>>> {
    fields.required("interfaces", |field| field.list(Field::spanned))
}

fn bond(fields: &Fields<'_>) -> Option<DeviceKind> {
    let interfaces = members(fields);
    let section = fields.section("parameters");
    let parameters = BondParameters {
        mode: section.or("mode", "balance-rr", Field::word),
        mii_monitor_interval: section.or("mii-monitor-interval", 100, |field| field.integer()),
        lacp_rate: section.optional("lacp-rate", |field| field.word().map(|word| field.here(word))),
        transmit_hash_policy: section.optional("transmit-hash-policy", Field::word),
        primary: section.optional("primary", Field::spanned),
    };
    section.finish();
    Some(DeviceKind::Bond { interfaces: interfaces?, parameters })
}

fn bridge(fields: &Fields<'_>) -> Option<DeviceKind> {
    let interfaces = members(fields);
    let section = fields.section("parameters");
    let stp = section.or("stp", true, Field::boolean);
    let delay = section.optional("forward-delay", |field| field.integer().map(|seconds| field.here(seconds)));
    let forward_delay = delay.unwrap_or(Spanned::new(15, section.span));
    section.finish();
    Some(DeviceKind::Bridge { interfaces: interfaces?, parameters: BridgeParameters { stp, forward_delay } })
}

fn vlan(fields: &Fields<'_>) -> Option<DeviceKind> {
    let id = fields.required("id", |field| field.integer().map(|id| field.here(id)));
    let link = fields.required("link", Field::spanned);
    Some(DeviceKind::Vlan { id: id?, link: link? })
}

fn proxmox(fields: Fields<'_>) -> Proxmox {
    let storage =
        |key, default: &str| fields.or(key, default.to_owned(), |field| field.parsed("text", rules::proxmox::storage));
    let proxmox = Proxmox {
        vmid_base: fields.optional("vmidBase", Field::integer),
        host: fields.optional("host", |field| field.parsed("text", rules::proxmox::host)),
        image: fields.optional("image", |field| field.parsed("text", rules::proxmox::image)),
        storage: storage("storage", "local-lvm"),
        iso_storage: storage("isoStorage", "local"),
        bridge: fields.or("bridge", InterfaceName::vmbr0(), |field| field.parsed("text", rules::proxmox::bridge)),
        vlan: fields.optional("vlan", Field::integer),
        cores: fields.or("cores", 2, Field::integer),
        memory: fields.or("memory", 4096, Field::integer),
        disk: fields.or("disk", 32, Field::integer),
        agent: fields.or("agent", false, Field::boolean),
    };
    fields.finish();
    proxmox
}

fn node_proxmox(fields: Fields<'_>) -> NodeProxmox {
    let proxmox = NodeProxmox {
        vmid: fields.optional("vmid", |field| field.integer().map(|vmid| field.here(vmid))),
        host: fields.optional("host", |field| field.parsed("text", rules::proxmox::host)),
        image: fields.optional("image", |field| field.parsed("text", rules::proxmox::image)),
        storage: fields.optional("storage", |field| field.parsed("text", rules::proxmox::storage)),
        bridge: fields.optional("bridge", |field| field.parsed("text", rules::proxmox::bridge)),
        vlan: fields.optional("vlan", Field::integer),
        cores: fields.optional("cores", Field::integer),
        memory: fields.optional("memory", Field::integer),
        disk: fields.optional("disk", Field::integer),
        agent: fields.optional("agent", Field::boolean),
    };
    fields.finish();
    proxmox
}

fn pxe(field: &Field<'_>) -> Option<Pxe> {
    let fields = field.fields()?;
    let url = fields.required("url", Field::value);
    let disk = fields.optional("disk", |field| field.parsed("text", rules::pxe::disk));
    let arguments = fields.or("arguments", Vec::new(), kernel_arguments);
    fields.finish();
    Some(Pxe { url: url?, disk, arguments })
}

fn node_pxe(fields: Fields<'_>) -> NodePxe {
    let pxe = NodePxe {
        uuid: fields.optional("uuid", Field::spanned),
        disk: fields.optional("disk", |field| field.parsed("text", rules::pxe::disk)),
        arguments: fields.optional("arguments", kernel_arguments),
    };
    fields.finish();
    pxe
}

fn kernel_arguments(field: &Field<'_>) -> Option<Vec<String>> {
    field.list(|item| item.parsed("text", rules::pxe::kernel_argument))
}

/// The value of a label; a key without a value has the empty one.
fn label_value(field: &Field<'_>) -> Option<LabelValue> {
    if field.node.is_null() { "".parse().ok() } else { field.value() }
}

fn taint(field: &Field<'_>) -> Option<Taint> {
    let fields = field.fields()?;
    let key = fields.required("key", Field::value);
    let value = fields.optional("value", Field::value).or_else(|| "".parse().ok());
    let effects = [
        ("NoSchedule", TaintEffect::NoSchedule),
        ("PreferNoSchedule", TaintEffect::PreferNoSchedule),
        ("NoExecute", TaintEffect::NoExecute),
    ];
    let effect = fields.required("effect", |field| field.choice(&effects));
    fields.finish();
    Some(Taint { key: key?, value: value?, effect: effect? })
}

/// A mapping of command line flags, without dashes, to the text of any scalar.
fn arguments(field: &Field<'_>) -> Option<BTreeMap<String, String>> {
    let flag = |text: &str| {
        let bare = text.trim_start_matches('-');
        if bare != text {
            return Err(Invalid::new(format!("the flag `{text}` begins with a dash"), format!("write `{bare}`")));
        }
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if text.is_empty() || !text.chars().all(good) {
            return Err(Invalid::new(
                format!("`{text}` is not the name of a flag"),
                "write the flag's name as the key and its value as the value, as in `v: 4`",
            ));
        }
        Ok(text.to_owned())
    };
    field.map(flag, |value| {
        if value.node.is_null() {
            let diagnostic = value.error(Code::WrongType, format!("`{}` has no value", value.path));
            value.push(diagnostic.help("write `\"\"` for an empty value, `true` for a switch"));
            return None;
        }
        value.text("text").map(str::to_owned)
    })
}

/// One word without blanks.
fn plain_word(text: &str) -> Result<String, Invalid> {
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control() || c == ',') {
        return Err(Invalid::new(
            format!("`{}` is not one word", text.escape_debug()),
            "write one name for each item, without blanks and commas",
        ));
    }
    Ok(text.to_owned())
}

fn image_repository(text: &str) -> Result<String, Invalid> {
    const RULE: &str = "write host and path, as in `registry.k8s.io` or `10.9.0.5:5000/k8s`";
    let bare = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    if bare != text {
        let problem = match text.split_once("://") {
            Some((scheme, _)) => format!("`{text}` begins with a scheme (`{scheme}`)"),
            None => format!("`{text}` ends with a slash"),
        };
        return Err(Invalid::new(problem, format!("write `{bare}`")));
    }
    if !rules::images::is_repository(text) {
        return Err(Invalid::new(format!("`{text}` is not an image repository"), RULE));
    }
    Ok(text.to_owned())
}

fn image_tag(text: &str) -> Result<String, Invalid> {
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > 128 || !text.chars().all(good) || text.starts_with(['-', '.']) {
        return Err(Invalid::new(format!("`{text}` is not an image tag"), "write the tag alone, as in `3.6.16-0`"));
    }
    Ok(text.to_owned())
}

fn time_server(text: &str) -> Result<String, Invalid> {
    match text.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => text.parse::<DnsName>().map(|name| name.to_string()),
    }
}

fn toml_table(field: &Field<'_>) -> Option<toml::Table> {
    let text = field.text("text")?;
    let error = match text.parse::<toml::Table>() {
        Ok(table) => {
            if let Some((what, help)) = rules::containerd::owned(&table) {
                let message = format!("`{}`: {what}", field.path);
                field.push(field.error(Code::OwnedArgument, message).help(help));
            }
            return Some(table);
        }
        Err(error) => error,
    };
    let what = error.message().lines().next().unwrap_or_default();
    let mut diagnostic = field.error(Code::BadToml, format!("`{}` is not TOML: {what}", field.path));
    if let Some(before) = error.span().and_then(|span| text.get(..span.start)) {
        let line = before.matches('\n').count();
        let toml = text.lines().nth(line).unwrap_or_default().trim();
        // In a literal block, the lines of the text are the lines of the document.
        if let Some(span) = field.context.diagnostics.borrow().sources().line_below(field.node.span, line, toml) {
            diagnostic.span = span;
        }
        diagnostic = diagnostic.label(format!("line {} of the TOML", line + 1));
    }
    field.push(diagnostic.help("containerd's configuration is TOML: `[section]` lines, and `key = \"value\"`"));
    None
}

/// YAML's core schema as JSON, for what is passed through.
fn json_object(field: &Field<'_>) -> Option<serde_json::Map<String, serde_json::Value>> {
    let entries = field.entries()?;
    Some(entries.into_iter().filter_map(|(key, value)| Some((key.text.clone(), json(&value)?))).collect())
}

fn json(field: &Field<'_>) -> Option<serde_json::Value> {
    use serde_json::Value;
    match &field.node.kind {
        Kind::Mapping(_) => json_object(field).map(Value::Object),
        Kind::Sequence(_) => field.list(json).map(Value::Array),
        Kind::Scalar { text, plain: false } => Some(Value::String(text.clone())),
        Kind::Scalar { text, plain: true } => {
            let number = match tree::resolve(text) {
                Plain::Null => return Some(Value::Null),
                Plain::Bool(value) => return Some(Value::Bool(value)),
                Plain::Text => return Some(Value::String(text.clone())),
                Plain::Integer(number) => serde_json::Number::from_i128(number),
                Plain::Float(number) => serde_json::Number::from_f64(number),
            };
            if number.is_none() {
                let message = format!("`{}`: JSON has no number `{text}`", field.path);
                field.push(field.error(Code::InvalidValue, message).help("write it in quotes if it is text"));
            }
            number.map(Value::Number)
        }
    }
}

/// The bytes of a file that the document names.
fn bytes(field: &Field<'_>, path: &str) -> Option<Vec<u8>> {
    match (field.context.read)(field.node.span.source, path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            // The same words on every system.
            let why = match error.kind() {
                io::ErrorKind::NotFound => "it does not exist".to_owned(),
                io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
                io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
                io::ErrorKind::FileTooLarge => "it is too large".to_owned(),
                _ => error.to_string(),
            };
            let message = format!("`{}`: cannot read `{path}`: {why}", field.path);
            field.push(field.error(Code::UnreadableFile, message).help("paths are relative to the document"));
            None
        }
    }
}

fn manifest(field: &Field<'_>) -> Option<Manifest> {
    const HELP: &str = "a manifest is what `kubectl apply -f` takes: YAML documents with `apiVersion` and `kind`";
    let path = field.text("a path")?;
    let bytes = bytes(field, path)?;
    let complain = |what: &str, place: Option<Span>| {
        let message = format!("`{}`: `{path}` {what}", field.path);
        let mut diagnostic = field.error(Code::BadManifest, message).help(HELP);
        if let Some(place) = place {
            diagnostic = diagnostic.also(place, "here");
        }
        field.push(diagnostic);
    };
    let Ok(text) = String::from_utf8(bytes) else {
        complain("is not UTF-8", None);
        return None;
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
    let source = field.context.diagnostics.borrow_mut().sources_mut().add(path, &text);
    let documents = match tree::parse(source, &text, Dialect::Manifest) {
        Ok(parsed) => parsed.documents,
        Err(diagnostic) => {
            complain(&format!("cannot be read: {}", diagnostic.message), Some(diagnostic.span));
            return None;
        }
    };
    let mut good = true;
    let mut objects = 0;
    for document in documents.iter().filter(|document| !document.is_null()) {
        objects += 1;
        let what = match &document.kind {
            Kind::Mapping(_) => {
                let missing = ["apiVersion", "kind"]
                    .into_iter()
                    .find(|key| document.entry(key).and_then(|(_, value)| value.text()).is_none_or(str::is_empty));
                missing.map(|key| format!("has an object without `{key}`"))
            }
            _ => Some(format!("has {} where an object should be", document.description())),
        };
        if let Some(what) = what {
            complain(&what, Some(document.span));
            good = false;
        }
    }
    if objects == 0 {
        complain("has no object", None);
        good = false;
    }
    let images = documents.iter().flat_map(rules::images::of_manifest).collect();
    good.then(|| Manifest { path: path.to_owned(), content: text, images })
}
