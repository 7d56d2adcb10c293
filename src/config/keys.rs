//! The keys of the document: what each is called, what it takes, its default, and what it does.
//!
//! In: nothing. Out: one table. `reader` knows keys by it, and the JSON Schema, docs/reference.md and the man page
//! are written from it (`crate::reference`), so none of them can know a key that another one does not.

use Presence::{Default, Optional, Planned, Required};

/// One key of a mapping.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What its value looks like.
    pub shape: Shape,
    /// Whether it may be left away.
    pub presence: Presence,
    /// What it does: sentences, with a full stop.
    pub about: &'static str,
}

/// Whether a key may be left away, and what that means.
#[derive(Debug, Clone, Copy)]
pub enum Presence {
    /// It must be there; how it could look, as YAML.
    Required(&'static str),
    /// Left away, or null, it has this value, as YAML.
    Default(&'static str),
    /// Left away, or null, what these words say.
    Optional(&'static str),
    /// A later version of hagen will do it. Until then only these values are accepted, which ask for what is done
    /// anyway; null and an empty list or mapping are accepted as well.
    Planned(&'static [&'static str]),
}

/// What a value looks like.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A mapping with these keys.
    Mapping(&'static [Key]),
    /// A mapping with keys of the first form and values of the second.
    Map(&'static Form, &'static Self),
    /// A mapping of another program, passed through.
    Object,
    /// A list of such values.
    List(&'static Self),
    /// A list of mappings, each known by the value of one of its keys; an overlay's items are merged by it.
    Keyed(&'static str, &'static [Key]),
    /// One such value, or a list of them.
    OneOrList(&'static Self),
    /// One of a few words.
    Choice {
        /// Those that work.
        built: &'static [&'static str],
        /// Those that a later version of hagen will know.
        planned: &'static [&'static str],
    },
    /// A decimal number from the first to the second.
    Integer(i64, i64),
    /// `true` or `false`.
    Boolean,
    /// Text of some form.
    Text(&'static Form),
}

/// A form of text.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// What it is, with its article.
    pub name: &'static str,
    /// A regular expression (ECMA 262) that every such text matches, anchored.
    pub pattern: &'static str,
    /// One such text.
    pub example: &'static str,
    /// Whether it may look like a number or a boolean, so that YAML tools without hagen's schema read it as such.
    pub bare: bool,
    /// Whether null stands for the empty text where it is a value of a mapping.
    pub empty: bool,
}

impl Key {
    /// Whether the mapping that it is in cannot be without it: it is required itself, or something in it is.
    pub fn is_required(&self) -> bool {
        match (self.presence, self.shape) {
            (Required(_), _) => true,
            (Planned(_) | Optional(_), _) => false,
            (_, Shape::Mapping(keys)) => keys.iter().any(Self::is_required),
            _ => false,
        }
    }

    /// Whether it is for a later version of hagen.
    pub const fn is_planned(&self) -> bool {
        matches!(self.presence, Planned(_))
    }
}

const fn form(name: &'static str, pattern: &'static str, example: &'static str) -> Form {
    Form { name, pattern, example, bare: false, empty: false }
}

/// A form of text that may look like a number or a boolean.
const fn bare(name: &'static str, pattern: &'static str, example: &'static str) -> Form {
    Form { name, pattern, example, bare: true, empty: false }
}

const fn key(name: &'static str, shape: Shape, presence: Presence, about: &'static str) -> Key {
    Key { name, shape, presence, about }
}

const LABEL: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";
const NAME: Form = bare("a name", LABEL, "cp1");
const DNS_NAME: Form =
    bare("a DNS name", r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$", "api.prod.internal");
const ALTERNATIVE_NAME: Form = bare("a DNS name or an address", r"^[*A-Za-z0-9.:-]+$", "api.example.org");
const VERSION: Form = form("an exact version", r"^v?[0-9]+\.[0-9]+\.[0-9]+$", "1.36.3");
const ADDRESS: Form = form("an IP address", r"^[0-9A-Fa-f:.]+$", "10.9.0.10");
const INTERFACE_ADDRESS: Form =
    form("an IP address with prefix length", r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$", "10.9.0.11/24");
const RANGE: Form = form("an address range", r"^[0-9A-Fa-f:.]+/[0-9]{1,3}$", "10.244.0.0/16");
const DESTINATION: Form =
    form("an address range or `default`", r"^(default|[0-9A-Fa-f:.]+/[0-9]{1,3})$", "10.20.0.0/16");
const MAC: Form = form("a MAC address", r"^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$", "52:54:00:00:00:0b");
const INTERFACE: Form = bare("an interface name", r"^[A-Za-z0-9._-]{1,15}$", "eth0");
const DURATION: Form = form(
    "a duration",
    r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*$",
    "168h",
);
const SIZE: Form = bare("a size", r"^[0-9]+(KiB|MiB)?$", "32KiB");
const REPOSITORY: Form = bare("an image repository", r"^[-A-Za-z0-9_./:\[\]]*[^/]$", "registry.k8s.io");
const IMAGE: Form = form("an image with tag or digest", r"^\S+[:@]\S+$", "ghcr.io/kube-vip/kube-vip:v1.2.3");
const PACKAGE: Form = bare("the name of a Debian package", r"^[a-z0-9][-a-z0-9+.]+$", "nfs-common");
const TAG: Form = bare("an image tag", r"^[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}$", "3.6.16-0");
const PATH: Form = form("an absolute path", r"^/", "/etc/motd");
const FILE: Form = bare("a path relative to the document", r"^.", "./cni.yaml");
const MODE: Form = bare("an octal file mode", r"^[0-7]{3,4}$", "0644");
const OWNER: Form = form("user:group", r"^[a-z_][-a-z0-9_]*:[a-z_][-a-z0-9_]*$", "root:root");
const USER: Form = bare("a user name", r"^[a-z_][-a-z0-9_]{0,31}$", "ops");
const URL: Form = form("the address of an HTTP server", r"^https?://[^\s/]+(/[-A-Za-z0-9_.~/]*)?$", "http://10.9.0.2");
const UUID: Form =
    form("a UUID", "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$", "4c4c4544-0036-5410-8043-b8c04f4a4c33");
const BLOCK_DEVICE: Form = form("a disk", r"^/dev/[-A-Za-z0-9_.:/]+$", "/dev/sda");
const KERNEL_ARGUMENT: Form = bare("a kernel argument", r"^[A-Za-z0-9_][-A-Za-z0-9_.:=,/@%+~;]*$", "console=ttyS0");
const WORD: Form = bare("one word", r"^\S+$", "NumCPU");
const FLAG: Form = bare("a flag without dashes", r"^[A-Za-z0-9_.][-A-Za-z0-9_.]*$", "v");
const TEXT: Form = bare("text", "", "text");
const LABEL_KEY: Form =
    bare("a label key", r"^([-a-z0-9.]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$", "example.org/rack");
const LABEL_VALUE: Form =
    Form { empty: true, ..bare("a label value", r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", "r7") };
const ROLE: Form = bare("a role", r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,56}[A-Za-z0-9])?$", "gpu");
const STORAGE: Form = bare("a storage", r"^[A-Za-z][-A-Za-z0-9_.]*[A-Za-z0-9]$", "local-lvm");
const HOST: Form = bare("a Proxmox node", r"^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?$", "pve1");
const DISK_IMAGE: Form = form(
    "a volume or an absolute path",
    r"^([A-Za-z][-A-Za-z0-9_.]*[A-Za-z0-9]:[^\s,/]|/[^\s,])[^\s,]*$",
    "local:import/debian-13.qcow2",
);
const PUBLIC_KEY: Form = form(
    "a line of authorized_keys",
    r"^\s*[^\s-]",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops@laptop",
);

const ARGUMENTS: Shape = Shape::Map(&FLAG, &Shape::Text(&TEXT));
const COMPONENT_PLANNED: &str = "Environment variables of the component.";
const VOLUMES_PLANNED: &str = "More directories of the host in the Pod.";

/// `format`, and a node's own.
const FORMAT: Shape = Shape::Choice { built: &["cloud-init", "ignition"], planned: &[] };
/// `os`, and a node's own; `sle-micro` means Leap Micro and MicroOS, too.
const OPERATING_SYSTEM: Shape = Shape::Choice {
    built: &["debian", "ubuntu", "flatcar", "fedora-coreos", "rhel-coreos", "sle-micro"],
    planned: &[],
};

/// The whole document.
pub const DOCUMENT: &[Key] = &[
    key(
        "name",
        Shape::Text(&NAME),
        Required("name: homelab"),
        "The cluster's name: kubeadm's `clusterName`, and part of the endpoint's default name.",
    ),
    key("format", FORMAT, Optional("what the stock images of each machine's `os` read"), "How bundles are encoded."),
    key(
        "kubernetes",
        Shape::Mapping(KUBERNETES),
        Default("{}"),
        "Version, ranges and components, with kubeadm's names where kubeadm has the thing.",
    ),
    key(
        "endpoint",
        Shape::Mapping(ENDPOINT),
        Default("{}"),
        "Where the API answers: a virtual IP that moves between the control planes.",
    ),
    key("etcd", Shape::Mapping(ETCD), Default("{}"), "etcd's members."),
    key("bootstrap", Shape::Mapping(BOOTSTRAP), Default("{}"), "How machines find and trust each other."),
    key(
        "pki",
        Shape::Mapping(PKI),
        Default("{}"),
        "How long certificates live, counted from the secrets file's `issuedAt`. kubeadm's names.",
    ),
    key("os", OPERATING_SYSTEM, Default("debian"), "What the machines run."),
    key(
        "network",
        Shape::Mapping(NETWORK),
        Default("{}"),
        "What all machines share. All but `ntp` is for machines that get a static address from hagen: those with \
         `mac`, `interface` or `network`.",
    ),
    key(
        "software",
        Shape::Mapping(SOFTWARE),
        Default("{}"),
        "Where containerd, kubeadm, kubelet, kubectl and container images come from.",
    ),
    key("registries", Shape::Object, Planned(&[]), "Mirrors of image registries, for containerd."),
    key("containerd", Shape::Mapping(CONTAINERD), Default("{}"), "containerd's configuration."),
    key(
        "userDataLimit",
        Shape::Mapping(USER_DATA_LIMIT),
        Optional("no limit"),
        "How much user-data, or config.ign, the machines' carrier takes; a bundle that is larger is an error.",
    ),
    key(
        "manifests",
        Shape::List(&Shape::Text(&FILE)),
        Default("[]"),
        "Kubernetes manifests beside the document, applied in this order once the API answers: a CNI and the \
         like.",
    ),
    key("users", Shape::Keyed("name", USERS), Default("[]"), "Accounts on every machine."),
    key("files", Shape::Keyed("path", FILES), Default("[]"), "More files on every machine."),
    key(
        "nodes",
        Shape::Keyed("name", NODES),
        Required("nodes: [{name: cp1, role: control-plane, address: 10.9.0.11/24}]"),
        "The machines. The first control plane starts the cluster.",
    ),
    key(
        "media",
        Shape::List(&Shape::Choice { built: &["iso", "proxmox", "pxe", "libvirt", "usb"], planned: &[] }),
        Default("[]"),
        "What carries the bundles to the machines, besides the seeds as files: `iso`, a CD for each machine; `proxmox`, \
         scripts and Terraform that make virtual machines with these CDs; `pxe`, a folder that boots machines over the \
         network; `libvirt`, virtual machines on one computer; `usb`, one stick \
         for all machines.",
    ),
    key(
        "proxmox",
        Shape::Mapping(PROXMOX),
        Default("{}"),
        "Virtual machines of Proxmox VE, for `--media proxmox`, with Proxmox' units. A node without a VMID is none of \
         them.",
    ),
    key(
        "pxe",
        Shape::Mapping(PXE),
        Optional("no machine boots over the network"),
        "Booting over the network, for `--media pxe`; docs/pxe.md.",
    ),
];

const KUBERNETES: &[Key] = &[
    key(
        "version",
        Shape::Text(&VERSION),
        Required("version: 1.36.3"),
        "The exact release. Minors 1.34 to 1.37 are known; `--allow-untested` takes others.",
    ),
    key(
        "podSubnet",
        Shape::OneOrList(&Shape::Text(&RANGE)),
        Default("10.244.0.0/16"),
        "Addresses of Pods; a list of one IPv4 and one IPv6 range for dual stack.",
    ),
    key(
        "serviceSubnet",
        Shape::OneOrList(&Shape::Text(&RANGE)),
        Default("10.96.0.0/12"),
        "Addresses of Services; a list for dual stack. The first has the family of the nodes' addresses.",
    ),
    key("dnsDomain", Shape::Text(&DNS_NAME), Default("cluster.local"), "The domain of Services."),
    key("imageRepository", Shape::Text(&REPOSITORY), Default("registry.k8s.io"), "Where kubeadm's images come from."),
    key("proxy", Shape::Mapping(PROXY), Default("{}"), "kube-proxy."),
    key("apiServer", Shape::Mapping(API_SERVER), Default("{}"), "kube-apiserver."),
    key("controllerManager", Shape::Mapping(COMPONENT), Default("{}"), "kube-controller-manager."),
    key("scheduler", Shape::Mapping(COMPONENT), Default("{}"), "kube-scheduler."),
    key(
        "kubelet",
        Shape::Object,
        Default("{}"),
        "Fields of KubeletConfiguration, passed through. containerd's cgroup driver follows `cgroupDriver`.",
    ),
    key(
        "ignorePreflightErrors",
        Shape::List(&Shape::Text(&WORD)),
        Default("[]"),
        "Checks of kubeadm that may fail, by kubeadm's names; never `all`.",
    ),
    key("kubeletExtraArgs", ARGUMENTS, Default("{}"), "Flags of every kubelet, without dashes."),
    key("timeouts", Shape::Mapping(TIMEOUTS), Default("{}"), "kubeadm's timeouts, by kubeadm's names."),
    key("patches", Shape::Text(&FILE), Planned(&[]), "kubeadm's patches directory, carried to every control plane."),
    key(
        "featureGates",
        Shape::Map(&WORD, &Shape::Boolean),
        Planned(&[]),
        "kubeadm's own feature gates. Those of components are flags: `extraArgs`.",
    ),
    key("encryption", Shape::Object, Planned(&[]), "Encryption of Secrets in etcd."),
    key("audit", Shape::Object, Planned(&[]), "The API server's audit policy."),
];

const PROXY: &[Key] = &[
    key(
        "mode",
        Shape::Choice { built: &["iptables", "nftables", "ipvs", "none"], planned: &[] },
        Default("iptables"),
        "kube-proxy's mode; `none` means no kube-proxy, for a CNI that replaces it.",
    ),
    key("config", Shape::Object, Default("{}"), "Fields of KubeProxyConfiguration, passed through."),
];

const API_SERVER: &[Key] = &[
    key(
        "certSANs",
        Shape::List(&Shape::Text(&ALTERNATIVE_NAME)),
        Default("[]"),
        "More names and addresses in the API server's certificate.",
    ),
    key("extraArgs", ARGUMENTS, Default("{}"), "Flags of the component, without dashes."),
    key(
        "extraVolumes",
        Shape::List(&Shape::Mapping(EXTRA_VOLUME)),
        Default("[]"),
        "More directories of the host in the Pod, with kubeadm's fields.",
    ),
    key("extraEnvs", Shape::List(&Shape::Object), Planned(&[]), COMPONENT_PLANNED),
];

const EXTRA_VOLUME: &[Key] = &[
    key("name", Shape::Text(&NAME), Required("name: audit-logs"), "The volume's name."),
    key("hostPath", Shape::Text(&PATH), Required("hostPath: /var/log/kubernetes"), "The path on the machine."),
    key("mountPath", Shape::Text(&PATH), Required("mountPath: /var/log/kubernetes"), "The path in the Pod."),
    key("readOnly", Shape::Boolean, Default("false"), "Whether the Pod may only read it."),
    key(
        "pathType",
        Shape::Choice {
            built: &["DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"],
            planned: &[],
        },
        Optional("anything may be there, or nothing"),
        "What has to be at `hostPath`.",
    ),
];

const COMPONENT: &[Key] = &[
    key("extraArgs", ARGUMENTS, Default("{}"), "Flags of the component, without dashes."),
    key("extraVolumes", Shape::List(&Shape::Object), Planned(&[]), VOLUMES_PLANNED),
    key("extraEnvs", Shape::List(&Shape::Object), Planned(&[]), COMPONENT_PLANNED),
];

const TIMEOUTS: &[Key] = &[
    key(
        "controlPlaneComponentHealthCheck",
        Shape::Text(&DURATION),
        Default("10m"),
        "How long a new control plane's components may take to be healthy.",
    ),
    key(
        "discovery",
        Shape::Text(&DURATION),
        Default("30m"),
        "How long one try of a join waits for the cluster; hagen tries again.",
    ),
    key(
        "etcdAPICall",
        Shape::Text(&DURATION),
        Default("2m"),
        "How long a call of etcd may take. A join waits as long for each member of etcd that is off.",
    ),
    key("kubeletHealthCheck", Shape::Text(&DURATION), Default("10m"), "How long the kubelet may take to be healthy."),
    key("kubernetesAPICall", Shape::Text(&DURATION), Default("5m"), "How long a call of the API may take."),
    key(
        "tlsBootstrap",
        Shape::Text(&DURATION),
        Default("10m"),
        "How long the kubelet may take to get its certificate.",
    ),
    key(
        "upgradeManifests",
        Shape::Text(&DURATION),
        Planned(&[]),
        "How long an upgrade waits for a changed static Pod.",
    ),
];

const ENDPOINT: &[Key] = &[
    key(
        "vip",
        Shape::Text(&ADDRESS),
        Required("vip: 10.9.0.10"),
        "The virtual IP: an address of the control planes' own subnet that nothing else uses.",
    ),
    key(
        "name",
        Shape::Text(&DNS_NAME),
        Optional("`api.<name>.internal`"),
        "The API's name, kubeadm's `controlPlaneEndpoint`; every machine gets it in /etc/hosts.",
    ),
    key("port", Shape::Integer(1, 65535), Default("6443"), "The API's port."),
    key(
        "provider",
        Shape::Choice { built: &["kube-vip"], planned: &["keepalived", "external"] },
        Default("kube-vip"),
        "What holds the virtual IP.",
    ),
    key("kubeVip", Shape::Mapping(KUBE_VIP), Default("{}"), "kube-vip."),
    key("keepalived", Shape::Object, Planned(&[]), "keepalived and haproxy, instead of kube-vip."),
    key("bindPort", Shape::Integer(1, 65535), Planned(&[]), "The API servers' own port behind a load balancer."),
];

const KUBE_VIP: &[Key] = &[
    key(
        "mode",
        Shape::Choice { built: &["arp"], planned: &["bgp", "routing-table", "wireguard"] },
        Default("arp"),
        "How the address is announced.",
    ),
    key(
        "interface",
        Shape::Text(&INTERFACE),
        Optional("the interface that holds the node's address, found at boot"),
        "The interface that gets the address, on every control plane.",
    ),
    key("services", Shape::Boolean, Default("false"), "Also announce Services of type LoadBalancer."),
    key("loadBalancer", Shape::Boolean, Planned(&["false"]), "Spread the API's connections over the control planes."),
    key("image", Shape::Text(&IMAGE), Optional("the release that hagen was written for"), "kube-vip's image."),
    key(
        "lease",
        Shape::Mapping(LEASE),
        Default("{}"),
        "Times of its Lease, in seconds; docs/assembly.md has the figures behind the defaults.",
    ),
    key("bgp", Shape::Object, Planned(&[]), "Peers of the mode `bgp`."),
];

const LEASE: &[Key] = &[
    key(
        "duration",
        Shape::Integer(1, 3600),
        Default("15"),
        "After so long without a word from the holder another control plane takes over.",
    ),
    key(
        "renewDeadline",
        Shape::Integer(1, 3600),
        Default("10"),
        "After so long without a successful renewal the holder gives up.",
    ),
    key("retryPeriod", Shape::Integer(1, 3600), Default("2"), "How often it is tried."),
];

const ETCD: &[Key] = &[
    key(
        "topology",
        Shape::Choice { built: &["stacked"], planned: &["external"] },
        Default("stacked"),
        "Where etcd runs: on every control plane.",
    ),
    key("imageTag", Shape::Text(&TAG), Optional("kubeadm's choice"), "The tag of etcd's image."),
    key("extraArgs", ARGUMENTS, Default("{}"), "Flags of etcd, without dashes."),
    key("endpoints", Shape::List(&Shape::Text(&TEXT)), Planned(&[]), "Members of an etcd that is already there."),
    key("certificates", Shape::Object, Planned(&[]), "What the API servers present to such an etcd."),
    key("extraEnvs", Shape::List(&Shape::Object), Planned(&[]), COMPONENT_PLANNED),
];

/// `bootstrap.certificates`, and a node's own.
const CERTIFICATES: Shape = Shape::Choice { built: &["upload", "embed"], planned: &[] };

const BOOTSTRAP: &[Key] = &[
    key(
        "strategy",
        Shape::Choice { built: &["init-join"], planned: &["quorum"] },
        Default("init-join"),
        "Who starts the cluster: the first control plane.",
    ),
    key(
        "certificates",
        CERTIFICATES,
        Default("upload"),
        "How joining control planes get the authorities' keys: from the cluster, encrypted, or in their bundle.",
    ),
    key(
        "credentials",
        Shape::Choice { built: &["certificate", "token"], planned: &[] },
        Default("certificate"),
        "What workers join with: a certificate for this one node, or the cluster's bootstrap token.",
    ),
    key(
        "window",
        Shape::Text(&DURATION),
        Default("168h"),
        "After `issuedAt` and so long, a bundle may join a cluster but never start one.",
    ),
    key(
        "absent",
        Shape::List(&Shape::Text(&NAME)),
        Planned(&[]),
        "Control planes that the strategy `quorum` need not wait for.",
    ),
];

const PKI: &[Key] = &[
    key("caCertificateValidityPeriod", Shape::Text(&DURATION), Default("87600h"), "How long authorities live."),
    key(
        "certificateValidityPeriod",
        Shape::Text(&DURATION),
        Default("8760h"),
        "How long all other certificates live; at least 720h.",
    ),
];

const NETWORK: &[Key] = &[
    key("gateway", Shape::Text(&ADDRESS), Optional("no default route"), "The default route of every machine."),
    key(
        "nameservers",
        Shape::List(&Shape::Text(&ADDRESS)),
        Default("[]"),
        "DNS servers. CoreDNS does not start on a machine that has none.",
    ),
    key("search", Shape::List(&Shape::Text(&DNS_NAME)), Default("[]"), "Domains in which short names are looked up."),
    key("ntp", Shape::List(&Shape::Text(&ALTERNATIVE_NAME)), Default("[]"), "Time servers, names or addresses."),
    key("mtu", Shape::Integer(1280, 9216), Optional("the interface's own"), "Bytes of the largest packet."),
];

const SOFTWARE: &[Key] = &[
    key(
        "source",
        Shape::Choice { built: &["preinstalled", "payload"], planned: &["apt"] },
        Default("preinstalled"),
        "`preinstalled`: they are in the machine's image. `payload`: they are installed from a disk with the label \
         hagen-payload, which `hagen render --payload` writes.",
    ),
    key(
        "images",
        Shape::Choice { built: &["registry", "payload"], planned: &[] },
        Optional("`payload` with `source: payload`, else `registry`"),
        "Where container images come from: `registry`, pulled when they are wanted; `payload`, loaded from that disk before \
         kubeadm runs, and never pulled.",
    ),
    key(
        "extraImages",
        Shape::List(&Shape::Text(&IMAGE)),
        Default("[]"),
        "Images besides those of kubeadm, kube-vip and `manifests`.",
    ),
    key(
        "extraPackages",
        Shape::List(&Shape::Text(&PACKAGE)),
        Default("[]"),
        "Debian packages besides those that Kubernetes needs, with `source: payload`.",
    ),
];

const CONTAINERD: &[Key] = &[key(
    "extraConfig",
    Shape::Text(&TEXT),
    Optional("hagen's configuration alone"),
    "TOML that is merged over hagen's configuration.",
)];

const USER_DATA_LIMIT: &[Key] = &[
    key("size", Shape::Text(&SIZE), Required("size: 32KiB"), "The most that it takes."),
    key("gzipped", Shape::Boolean, Default("false"), "Whether it is given the file compressed with gzip."),
];

const USERS: &[Key] = &[
    key("name", Shape::Text(&USER), Required("name: ops"), "The account's name."),
    key("sshAuthorizedKeys", Shape::List(&Shape::Text(&PUBLIC_KEY)), Default("[]"), "Public keys that may log in."),
    key("sudo", Shape::Boolean, Default("false"), "May become root without a password."),
];

const FILES: &[Key] = &[
    key("path", Shape::Text(&PATH), Required("path: /etc/motd"), "Where it goes."),
    key("content", Shape::Text(&TEXT), Optional("none; either this or `source` is required"), "Its text."),
    key(
        "source",
        Shape::Text(&FILE),
        Optional("none"),
        "Instead of `content`: a file beside the document, text or not.",
    ),
    key("mode", Shape::Text(&MODE), Default("\"0644\""), "Its permissions; never setuid or setgid."),
    key("owner", Shape::Text(&OWNER), Optional("`root:root`"), "User and group."),
];

const NODES: &[Key] = &[
    key("name", Shape::Text(&NAME), Required("name: cp1"), "Host name, name of the Node and of etcd's member."),
    key(
        "role",
        Shape::Choice { built: &["control-plane", "worker"], planned: &["etcd", "load-balancer"] },
        Required("role: worker"),
        "What it is for.",
    ),
    key("address", Shape::Text(&INTERFACE_ADDRESS), Required("address: 10.9.0.11/24"), "What it registers with."),
    key(
        "mac",
        Shape::Text(&MAC),
        Optional("not matched by it"),
        "The interface's MAC address: it is found by it, and gets `address`.",
    ),
    key(
        "interface",
        Shape::Text(&INTERFACE),
        Optional("not matched by it"),
        "The interface's name: it gets `address`; with `mac` as well it is renamed. With neither, nor `network`, hagen \
         configures no network, and the first step waits until some interface holds `address`.",
    ),
    key(
        "network",
        Shape::Mapping(DEVICES),
        Default("{}"),
        "More than one NIC, bonds, bridges and VLANs: a subset of netplan's version 2, with its names; docs/network.md \
         has examples. `interface` then names the device that gets `address`; without it, the one that lists `address` \
         has it, or DHCP is trusted to give it.",
    ),
    key(
        "certificates",
        CERTIFICATES,
        Optional("`bootstrap.certificates`"),
        "The same for this control plane. One that is added to a running cluster needs `embed`.",
    ),
    key(
        "roles",
        Shape::List(&Shape::Text(&ROLE)),
        Default("[]"),
        "More roles of a worker, as `kubectl get nodes` shows them.",
    ),
    key(
        "labels",
        Shape::Map(&LABEL_KEY, &Shape::Text(&LABEL_VALUE)),
        Default("{}"),
        "Labels that the Node registers with.",
    ),
    key(
        "taints",
        Shape::List(&Shape::Mapping(TAINT)),
        Optional("kubeadm's: control planes get one, workers none"),
        "Taints that the Node registers with; `[]` means none.",
    ),
    key("kubeletExtraArgs", ARGUMENTS, Default("{}"), "Flags of this kubelet, added to `kubernetes.kubeletExtraArgs`."),
    key(
        "files",
        Shape::Keyed("path", FILES),
        Default("[]"),
        "More files on this machine; one with the path of a cluster-wide file replaces it.",
    ),
    key("proxmox", Shape::Mapping(NODE_PROXMOX), Default("{}"), "What is particular to this virtual machine."),
    key(
        "userDataLimit",
        Shape::Mapping(USER_DATA_LIMIT),
        Optional("the cluster's"),
        "`userDataLimit` for this machine.",
    ),
    key("format", FORMAT, Optional("the cluster's"), "`format` for this machine."),
    key("os", OPERATING_SYSTEM, Optional("the cluster's"), "`os` for this machine."),
    key("pxe", Shape::Mapping(NODE_PXE), Default("{}"), "What is particular to booting this machine."),
];

const VLAN_TAG: Shape = Shape::Integer(1, 4094);
const CORES: Shape = Shape::Integer(1, 1024);
/// From what Linux needs to what qm takes (`PVE::QemuServer::Memory`: 4 TiB).
const MEMORY: Shape = Shape::Integer(512, 4_194_304);
const DISK: Shape = Shape::Integer(1, 131_072);

const PROXMOX: &[Key] = &[
    key(
        "vmidBase",
        Shape::Integer(100, 999_934_464),
        Optional("each machine has a `vmid` of its own"),
        "A machine's VMID is this plus the last number of its address: 8000 makes 10.9.0.11 the VM 8011.",
    ),
    key("host", Shape::Text(&HOST), Optional("where create.sh is run"), "The Proxmox node that the machines are on."),
    key(
        "image",
        Shape::Text(&DISK_IMAGE),
        Optional("`IMAGE` names it when create.sh is run"),
        "What their disks are copied from: a volume, or a file on the Proxmox node.",
    ),
    key("storage", Shape::Text(&STORAGE), Default("local-lvm"), "Where their disks are."),
    key(
        "isoStorage",
        Shape::Text(&STORAGE),
        Default("local"),
        "Where their seed.iso is: a storage with content `iso`.",
    ),
    key("bridge", Shape::Text(&INTERFACE), Default("vmbr0"), "What their NIC is connected to."),
    key("vlan", VLAN_TAG, Optional("none"), "The VLAN tag of the NIC."),
    key("cores", CORES, Default("2"), "CPU cores."),
    key("memory", MEMORY, Default("4096"), "MiB of memory."),
    key("disk", DISK, Default("32"), "GiB of the disk. It grows, and never shrinks."),
    key(
        "agent",
        Shape::Boolean,
        Default("false"),
        "The image has qemu-guest-agent: Proxmox shuts the machine down by it, and detach.sh asks it how far it is.",
    ),
];

const NODE_PROXMOX: &[Key] = &[
    key(
        "vmid",
        Shape::Integer(100, 999_999_999),
        Optional("`proxmox.vmidBase` plus the last number of `address`"),
        "Its VMID.",
    ),
    key("host", Shape::Text(&HOST), Optional("the cluster's"), "`proxmox.host` for this machine."),
    key("image", Shape::Text(&DISK_IMAGE), Optional("the cluster's"), "`proxmox.image` for this machine."),
    key("storage", Shape::Text(&STORAGE), Optional("the cluster's"), "`proxmox.storage` for this machine."),
    key("bridge", Shape::Text(&INTERFACE), Optional("the cluster's"), "`proxmox.bridge` for this machine."),
    key("vlan", VLAN_TAG, Optional("the cluster's"), "`proxmox.vlan` for this machine."),
    key("cores", CORES, Optional("the cluster's"), "`proxmox.cores` for this machine."),
    key("memory", MEMORY, Optional("the cluster's"), "`proxmox.memory` for this machine."),
    key("disk", DISK, Optional("the cluster's"), "`proxmox.disk` for this machine."),
    key("agent", Shape::Boolean, Optional("the cluster's"), "`proxmox.agent` for this machine."),
];

const PXE: &[Key] = &[
    key(
        "url",
        Shape::Text(&URL),
        Required("url: http://10.9.0.2"),
        "Where machines reach the folder `pxe/http` of the output, or matchbox.",
    ),
    key(
        "disk",
        Shape::Text(&BLOCK_DEVICE),
        Optional("none; machines that are installed over the network need one"),
        "The disk that an installer writes to. Nothing is written to one that has anything on it.",
    ),
    key(
        "arguments",
        Shape::List(&Shape::Text(&KERNEL_ARGUMENT)),
        Default("[]"),
        "More kernel arguments; with `root=` for machines whose disk holds their image already. Installers are not told \
         `root=`.",
    ),
];

const NODE_PXE: &[Key] = &[
    key(
        "uuid",
        Shape::Text(&UUID),
        Optional("known by its MAC addresses alone"),
        "Its SMBIOS UUID, by which it is known as well.",
    ),
    key("disk", Shape::Text(&BLOCK_DEVICE), Optional("the cluster's"), "`pxe.disk` for this machine."),
    key(
        "arguments",
        Shape::List(&Shape::Text(&KERNEL_ARGUMENT)),
        Optional("the cluster's"),
        "`pxe.arguments` for this machine, instead of the cluster's.",
    ),
];

const TAINT: &[Key] = &[
    key("key", Shape::Text(&LABEL_KEY), Required("key: dedicated"), "Its key."),
    key("value", Shape::Text(&LABEL_VALUE), Optional("empty"), "Its value."),
    key(
        "effect",
        Shape::Choice { built: &["NoSchedule", "PreferNoSchedule", "NoExecute"], planned: &[] },
        Required("effect: NoSchedule"),
        "What it does to Pods that do not tolerate it.",
    ),
];

/// The keys of one kind of device, and those that every kind has.
macro_rules! device {
    ($($own:expr),* $(,)?) => {
        &[
            $($own,)*
            key("dhcp4", Shape::Boolean, Default("false"), "Ask for an IPv4 address, routes and nameservers."),
            key("dhcp6", Shape::Boolean, Default("false"), "The same in IPv6."),
            key("addresses", Shape::List(&Shape::Text(&INTERFACE_ADDRESS)), Default("[]"), "Its addresses."),
            key("routes", Shape::List(&Shape::Mapping(ROUTE)), Default("[]"), "Routes that lead through it."),
            key("nameservers", Shape::Mapping(NAMESERVERS), Default("{}"), "Who is asked for names through it."),
            key("mtu", Shape::Integer(1280, 9216), Optional("the device's own"), "Bytes of the largest packet."),
        ]
    };
}

const DEVICES: &[Key] = &[
    key(
        "ethernets",
        Shape::Map(&INTERFACE, &Shape::Mapping(ETHERNET)),
        Default("{}"),
        "NICs, by their names; one with `match` may have any.",
    ),
    key("bonds", Shape::Map(&INTERFACE, &Shape::Mapping(BOND)), Default("{}"), "Several NICs as one."),
    key("bridges", Shape::Map(&INTERFACE, &Shape::Mapping(BRIDGE)), Default("{}"), "Switches inside the machine."),
    key("vlans", Shape::Map(&INTERFACE, &Shape::Mapping(VLAN)), Default("{}"), "Tagged networks on another device."),
];

const ETHERNET: &[Key] = device![
    key("match", Shape::Mapping(MATCH), Optional("found by its name"), "How the NIC is found."),
    key("set-name", Shape::Text(&INTERFACE), Optional("the name it has"), "Its new name; needs `match`."),
];

const MATCH: &[Key] = &[key(
    "macaddress",
    Shape::Text(&MAC),
    Required("macaddress: 52:54:00:00:00:0b"),
    "The NIC's own MAC address; no two machines have the same.",
)];

/// `interfaces` of bonds and bridges.
const MEMBERS: Shape = Shape::List(&Shape::Text(&INTERFACE));

const BOND: &[Key] = device![
    key("interfaces", MEMBERS, Required("interfaces: [eth0, eth1]"), "Its members."),
    key("parameters", Shape::Mapping(BOND_PARAMETERS), Default("{}"), "How it works."),
];

const BOND_PARAMETERS: &[Key] = &[
    key(
        "mode",
        Shape::Choice {
            built: &[
                "balance-rr",
                "active-backup",
                "balance-xor",
                "broadcast",
                "802.3ad",
                "balance-tlb",
                "balance-alb",
            ],
            planned: &[],
        },
        Default("balance-rr"),
        "How members share the work. The switch must know of all but `active-backup`, `balance-tlb` and `balance-alb`.",
    ),
    key(
        "mii-monitor-interval",
        Shape::Integer(1, 60000),
        Default("100"),
        "How often the members' links are looked at, in milliseconds. netplan's own default is never.",
    ),
    key(
        "lacp-rate",
        Shape::Choice { built: &["slow", "fast"], planned: &[] },
        Optional("the kernel's, `slow`"),
        "For `802.3ad`: whether the switch is to be heard every 30 seconds or every second.",
    ),
    key(
        "transmit-hash-policy",
        Shape::Choice { built: &["layer2", "layer2+3", "layer3+4", "encap2+3", "encap3+4"], planned: &[] },
        Optional("the kernel's, `layer2`"),
        "What of a packet decides which member sends it.",
    ),
    key(
        "primary",
        Shape::Text(&INTERFACE),
        Optional("all are alike"),
        "For `active-backup`, `balance-tlb` and `balance-alb`: the member that is used while it works.",
    ),
];

const BRIDGE: &[Key] = device![
    key("interfaces", MEMBERS, Required("interfaces: [eth0]"), "Its members."),
    key("parameters", Shape::Mapping(BRIDGE_PARAMETERS), Default("{}"), "How it works."),
];

const BRIDGE_PARAMETERS: &[Key] = &[
    key("stp", Shape::Boolean, Default("true"), "Look for loops (spanning tree) before anything is forwarded."),
    key(
        "forward-delay",
        Shape::Integer(0, 30),
        Default("15"),
        "With `stp`: seconds for each of its two phases of looking; at least 2.",
    ),
];

const VLAN: &[Key] = device![
    key("id", Shape::Integer(1, 4094), Required("id: 100"), "Its tag."),
    key("link", Shape::Text(&INTERFACE), Required("link: eth0"), "The device whose packets carry the tag."),
];

const ROUTE: &[Key] = &[
    key("to", Shape::Text(&DESTINATION), Required("to: default"), "Where it leads: a range, or `default`."),
    key("via", Shape::Text(&ADDRESS), Required("via: 10.9.0.1"), "The gateway."),
    key(
        "metric",
        Shape::Integer(0, 4_294_967_294),
        Optional("0, in IPv6 1024"),
        "Of two routes to one range the one with the lower metric is taken; DHCP's have 100.",
    ),
];

const NAMESERVERS: &[Key] = &[
    key(
        "addresses",
        Shape::List(&Shape::Text(&ADDRESS)),
        Default("[]"),
        "DNS servers. None: for the device that has `address`, the cluster's.",
    ),
    key(
        "search",
        Shape::List(&Shape::Text(&DNS_NAME)),
        Default("[]"),
        "Domains in which short names are looked up. None: as above.",
    ),
];
