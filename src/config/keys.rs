//! The keys of the document: what each is called, what it takes, its default, and what it does.
//!
//! In: nothing. Out: one table. `reader` knows keys by it, and the JSON Schema, docs/reference.md and the man page
//! are written from it (`crate::reference`), so none of them can know a key that another one does not.

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
            (Presence::Required(_), _) => true,
            (Presence::Planned(_), _) => false,
            (_, Shape::Mapping(keys)) => keys.iter().any(Self::is_required),
            _ => false,
        }
    }

    /// Whether it is for a later version of hagen.
    pub const fn is_planned(&self) -> bool {
        matches!(self.presence, Presence::Planned(_))
    }
}

const fn form(name: &'static str, pattern: &'static str, example: &'static str) -> Form {
    Form { name, pattern, example, bare: false, empty: false }
}

/// A form of text that may look like a number or a boolean.
const fn bare(name: &'static str, pattern: &'static str, example: &'static str) -> Form {
    Form { name, pattern, example, bare: true, empty: false }
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
const MAC: Form = form("a MAC address", r"^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$", "52:54:00:00:00:0b");
const INTERFACE: Form = bare("an interface name", r"^[^/:\s]{1,15}$", "eth0");
const DURATION: Form = form(
    "a duration",
    r"^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*$",
    "168h",
);
const REPOSITORY: Form = bare("an image repository", r"^[-A-Za-z0-9_./:\[\]]*[^/]$", "registry.k8s.io");
const IMAGE: Form = form("an image with tag or digest", r"^\S+[:@]\S+$", "ghcr.io/kube-vip/kube-vip:v1.2.3");
const TAG: Form = bare("an image tag", r"^[A-Za-z0-9_][-A-Za-z0-9_.]{0,127}$", "3.6.16-0");
const PATH: Form = form("an absolute path", r"^/", "/etc/motd");
const FILE: Form = bare("a path relative to the document", r"^.", "./cni.yaml");
const MODE: Form = bare("an octal file mode", r"^[0-7]{3,4}$", "0644");
const OWNER: Form = form("user:group", r"^[a-z_][-a-z0-9_]*:[a-z_][-a-z0-9_]*$", "root:root");
const USER: Form = bare("a user name", r"^[a-z_][-a-z0-9_]{0,31}$", "ops");
const WORD: Form = bare("one word", r"^\S+$", "NumCPU");
const FLAG: Form = bare("a flag without dashes", r"^[A-Za-z0-9_.][-A-Za-z0-9_.]*$", "v");
const TEXT: Form = bare("text", "", "text");
const LABEL_KEY: Form =
    bare("a label key", r"^([-a-z0-9.]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$", "example.org/rack");
const LABEL_VALUE: Form =
    Form { empty: true, ..bare("a label value", r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$", "r7") };
const ROLE: Form = bare("a role", r"^[A-Za-z0-9]([-A-Za-z0-9_.]{0,56}[A-Za-z0-9])?$", "gpu");
const PUBLIC_KEY: Form = form(
    "a line of authorized_keys",
    r"^\s*[^\s-]",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops@laptop",
);

const ARGUMENTS: Shape = Shape::Map(&FLAG, &Shape::Text(&TEXT));
const COMPONENT_PLANNED: &str = "Environment variables of the component.";
const VOLUMES_PLANNED: &str = "More directories of the host in the Pod.";

/// The whole document.
pub const DOCUMENT: &[Key] = &[
    Key {
        name: "name",
        shape: Shape::Text(&NAME),
        presence: Presence::Required("name: homelab"),
        about: "The cluster's name: kubeadm's `clusterName`, and part of the endpoint's default name.",
    },
    Key {
        name: "format",
        shape: Shape::Choice { built: &["cloud-init"], planned: &["ignition"] },
        presence: Presence::Default("cloud-init"),
        about: "How bundles are encoded.",
    },
    Key {
        name: "kubernetes",
        shape: Shape::Mapping(KUBERNETES),
        presence: Presence::Default("{}"),
        about: "Version, ranges and components, with kubeadm's names where kubeadm has the thing.",
    },
    Key {
        name: "endpoint",
        shape: Shape::Mapping(ENDPOINT),
        presence: Presence::Default("{}"),
        about: "Where the API answers: a virtual IP that moves between the control planes.",
    },
    Key { name: "etcd", shape: Shape::Mapping(ETCD), presence: Presence::Default("{}"), about: "etcd's members." },
    Key {
        name: "bootstrap",
        shape: Shape::Mapping(BOOTSTRAP),
        presence: Presence::Default("{}"),
        about: "How machines find and trust each other.",
    },
    Key {
        name: "pki",
        shape: Shape::Mapping(PKI),
        presence: Presence::Default("{}"),
        about: "How long certificates live, counted from the secrets file's `issuedAt`. kubeadm's names.",
    },
    Key {
        name: "os",
        shape: Shape::Choice { built: &["debian", "ubuntu"], planned: &["flatcar", "fedora-coreos"] },
        presence: Presence::Default("debian"),
        about: "What the machines run.",
    },
    Key {
        name: "network",
        shape: Shape::Mapping(NETWORK),
        presence: Presence::Default("{}"),
        about: "What all machines share. All but `ntp` is for machines that get a static address from hagen: those with \
                `mac` or `interface`.",
    },
    Key {
        name: "software",
        shape: Shape::Mapping(SOFTWARE),
        presence: Presence::Default("{}"),
        about: "Where containerd, kubeadm, kubelet and kubectl come from.",
    },
    Key {
        name: "registries",
        shape: Shape::Object,
        presence: Presence::Planned(&[]),
        about: "Mirrors of image registries, for containerd.",
    },
    Key {
        name: "containerd",
        shape: Shape::Mapping(CONTAINERD),
        presence: Presence::Default("{}"),
        about: "containerd's configuration.",
    },
    Key {
        name: "manifests",
        shape: Shape::List(&Shape::Text(&FILE)),
        presence: Presence::Default("[]"),
        about: "Kubernetes manifests beside the document, applied in this order once the API answers: a CNI and the \
                like.",
    },
    Key {
        name: "users",
        shape: Shape::Keyed("name", USERS),
        presence: Presence::Default("[]"),
        about: "Accounts on every machine.",
    },
    Key {
        name: "files",
        shape: Shape::Keyed("path", FILES),
        presence: Presence::Default("[]"),
        about: "More files on every machine.",
    },
    Key {
        name: "nodes",
        shape: Shape::Keyed("name", NODES),
        presence: Presence::Required("nodes: [{name: cp1, role: control-plane, address: 10.9.0.11/24}]"),
        about: "The machines. The first control plane starts the cluster.",
    },
    Key {
        name: "media",
        shape: Shape::List(&Shape::Choice { built: &[], planned: &["iso", "proxmox", "pxe", "libvirt", "usb"] }),
        presence: Presence::Planned(&[]),
        about: "What carries the bundles to the machines.",
    },
];

const KUBERNETES: &[Key] = &[
    Key {
        name: "version",
        shape: Shape::Text(&VERSION),
        presence: Presence::Required("version: 1.36.3"),
        about: "The exact release. Minors 1.34 to 1.37 are known; `--allow-untested` takes others.",
    },
    Key {
        name: "podSubnet",
        shape: Shape::OneOrList(&Shape::Text(&RANGE)),
        presence: Presence::Default("10.244.0.0/16"),
        about: "Addresses of Pods; a list of one IPv4 and one IPv6 range for dual stack.",
    },
    Key {
        name: "serviceSubnet",
        shape: Shape::OneOrList(&Shape::Text(&RANGE)),
        presence: Presence::Default("10.96.0.0/12"),
        about: "Addresses of Services; a list for dual stack. The first has the family of the nodes' addresses.",
    },
    Key {
        name: "dnsDomain",
        shape: Shape::Text(&DNS_NAME),
        presence: Presence::Default("cluster.local"),
        about: "The domain of Services.",
    },
    Key {
        name: "imageRepository",
        shape: Shape::Text(&REPOSITORY),
        presence: Presence::Default("registry.k8s.io"),
        about: "Where kubeadm's images come from.",
    },
    Key { name: "proxy", shape: Shape::Mapping(PROXY), presence: Presence::Default("{}"), about: "kube-proxy." },
    Key {
        name: "apiServer",
        shape: Shape::Mapping(API_SERVER),
        presence: Presence::Default("{}"),
        about: "kube-apiserver.",
    },
    Key {
        name: "controllerManager",
        shape: Shape::Mapping(COMPONENT),
        presence: Presence::Default("{}"),
        about: "kube-controller-manager.",
    },
    Key {
        name: "scheduler",
        shape: Shape::Mapping(COMPONENT),
        presence: Presence::Default("{}"),
        about: "kube-scheduler.",
    },
    Key {
        name: "kubelet",
        shape: Shape::Object,
        presence: Presence::Default("{}"),
        about: "Fields of KubeletConfiguration, passed through. containerd's cgroup driver follows `cgroupDriver`.",
    },
    Key {
        name: "ignorePreflightErrors",
        shape: Shape::List(&Shape::Text(&WORD)),
        presence: Presence::Default("[]"),
        about: "Checks of kubeadm that may fail, by kubeadm's names; never `all`.",
    },
    Key {
        name: "kubeletExtraArgs",
        shape: ARGUMENTS,
        presence: Presence::Default("{}"),
        about: "Flags of every kubelet, without dashes.",
    },
    Key {
        name: "timeouts",
        shape: Shape::Mapping(TIMEOUTS),
        presence: Presence::Default("{}"),
        about: "kubeadm's timeouts, by kubeadm's names.",
    },
    Key {
        name: "patches",
        shape: Shape::Text(&FILE),
        presence: Presence::Planned(&[]),
        about: "kubeadm's patches directory, carried to every control plane.",
    },
    Key {
        name: "featureGates",
        shape: Shape::Map(&WORD, &Shape::Boolean),
        presence: Presence::Planned(&[]),
        about: "kubeadm's own feature gates. Those of components are flags: `extraArgs`.",
    },
    Key {
        name: "encryption",
        shape: Shape::Object,
        presence: Presence::Planned(&[]),
        about: "Encryption of Secrets in etcd.",
    },
    Key {
        name: "audit",
        shape: Shape::Object,
        presence: Presence::Planned(&[]),
        about: "The API server's audit policy.",
    },
];

const PROXY: &[Key] = &[
    Key {
        name: "mode",
        shape: Shape::Choice { built: &["iptables", "nftables", "ipvs", "none"], planned: &[] },
        presence: Presence::Default("iptables"),
        about: "kube-proxy's mode; `none` means no kube-proxy, for a CNI that replaces it.",
    },
    Key {
        name: "config",
        shape: Shape::Object,
        presence: Presence::Default("{}"),
        about: "Fields of KubeProxyConfiguration, passed through.",
    },
];

const API_SERVER: &[Key] = &[
    Key {
        name: "certSANs",
        shape: Shape::List(&Shape::Text(&ALTERNATIVE_NAME)),
        presence: Presence::Default("[]"),
        about: "More names and addresses in the API server's certificate.",
    },
    Key {
        name: "extraArgs",
        shape: ARGUMENTS,
        presence: Presence::Default("{}"),
        about: "Flags of the component, without dashes.",
    },
    Key {
        name: "extraVolumes",
        shape: Shape::List(&Shape::Mapping(EXTRA_VOLUME)),
        presence: Presence::Default("[]"),
        about: "More directories of the host in the Pod, with kubeadm's fields.",
    },
    Key {
        name: "extraEnvs",
        shape: Shape::List(&Shape::Object),
        presence: Presence::Planned(&[]),
        about: COMPONENT_PLANNED,
    },
];

const EXTRA_VOLUME: &[Key] = &[
    Key {
        name: "name",
        shape: Shape::Text(&NAME),
        presence: Presence::Required("name: audit-logs"),
        about: "The volume's name.",
    },
    Key {
        name: "hostPath",
        shape: Shape::Text(&PATH),
        presence: Presence::Required("hostPath: /var/log/kubernetes"),
        about: "The path on the machine.",
    },
    Key {
        name: "mountPath",
        shape: Shape::Text(&PATH),
        presence: Presence::Required("mountPath: /var/log/kubernetes"),
        about: "The path in the Pod.",
    },
    Key {
        name: "readOnly",
        shape: Shape::Boolean,
        presence: Presence::Default("false"),
        about: "Whether the Pod may only read it.",
    },
    Key {
        name: "pathType",
        shape: Shape::Choice {
            built: &["DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"],
            planned: &[],
        },
        presence: Presence::Optional("anything may be there, or nothing"),
        about: "What has to be at `hostPath`.",
    },
];

const COMPONENT: &[Key] = &[
    Key {
        name: "extraArgs",
        shape: ARGUMENTS,
        presence: Presence::Default("{}"),
        about: "Flags of the component, without dashes.",
    },
    Key {
        name: "extraVolumes",
        shape: Shape::List(&Shape::Object),
        presence: Presence::Planned(&[]),
        about: VOLUMES_PLANNED,
    },
    Key {
        name: "extraEnvs",
        shape: Shape::List(&Shape::Object),
        presence: Presence::Planned(&[]),
        about: COMPONENT_PLANNED,
    },
];

const TIMEOUTS: &[Key] = &[
    Key {
        name: "controlPlaneComponentHealthCheck",
        shape: Shape::Text(&DURATION),
        presence: Presence::Default("10m"),
        about: "How long a new control plane's components may take to be healthy.",
    },
    Key {
        name: "discovery",
        shape: Shape::Text(&DURATION),
        presence: Presence::Default("30m"),
        about: "How long one try of a join waits for the cluster; hagen tries again.",
    },
    Key {
        name: "etcdAPICall",
        shape: Shape::Text(&DURATION),
        presence: Presence::Default("2m"),
        about: "How long a call of etcd may take. A join waits as long for each member of etcd that is off.",
    },
    Key {
        name: "kubeletHealthCheck",
        shape: Shape::Text(&DURATION),
        presence: Presence::Default("10m"),
        about: "How long the kubelet may take to be healthy.",
    },
    Key {
        name: "kubernetesAPICall",
        shape: Shape::Text(&DURATION),
        presence: Presence::Default("5m"),
        about: "How long a call of the API may take.",
    },
    Key {
        name: "tlsBootstrap",
        shape: Shape::Text(&DURATION),
        presence: Presence::Default("10m"),
        about: "How long the kubelet may take to get its certificate.",
    },
    Key {
        name: "upgradeManifests",
        shape: Shape::Text(&DURATION),
        presence: Presence::Planned(&[]),
        about: "How long an upgrade waits for a changed static Pod.",
    },
];

const ENDPOINT: &[Key] = &[
    Key {
        name: "vip",
        shape: Shape::Text(&ADDRESS),
        presence: Presence::Required("vip: 10.9.0.10"),
        about: "The virtual IP: an address of the control planes' own subnet that nothing else uses.",
    },
    Key {
        name: "name",
        shape: Shape::Text(&DNS_NAME),
        presence: Presence::Optional("`api.<name>.internal`"),
        about: "The API's name, kubeadm's `controlPlaneEndpoint`; every machine gets it in /etc/hosts.",
    },
    Key {
        name: "port",
        shape: Shape::Integer(1, 65535),
        presence: Presence::Default("6443"),
        about: "The API's port.",
    },
    Key {
        name: "provider",
        shape: Shape::Choice { built: &["kube-vip"], planned: &["keepalived", "external"] },
        presence: Presence::Default("kube-vip"),
        about: "What holds the virtual IP.",
    },
    Key { name: "kubeVip", shape: Shape::Mapping(KUBE_VIP), presence: Presence::Default("{}"), about: "kube-vip." },
    Key {
        name: "keepalived",
        shape: Shape::Object,
        presence: Presence::Planned(&[]),
        about: "keepalived and haproxy, instead of kube-vip.",
    },
    Key {
        name: "bindPort",
        shape: Shape::Integer(1, 65535),
        presence: Presence::Planned(&[]),
        about: "The API servers' own port behind a load balancer.",
    },
];

const KUBE_VIP: &[Key] = &[
    Key {
        name: "mode",
        shape: Shape::Choice { built: &["arp"], planned: &["bgp", "routing-table", "wireguard"] },
        presence: Presence::Default("arp"),
        about: "How the address is announced.",
    },
    Key {
        name: "interface",
        shape: Shape::Text(&INTERFACE),
        presence: Presence::Optional("the interface that holds the node's address, found at boot"),
        about: "The interface that gets the address, on every control plane.",
    },
    Key {
        name: "services",
        shape: Shape::Boolean,
        presence: Presence::Default("false"),
        about: "Also announce Services of type LoadBalancer.",
    },
    Key {
        name: "loadBalancer",
        shape: Shape::Boolean,
        presence: Presence::Planned(&["false"]),
        about: "Spread the API's connections over the control planes.",
    },
    Key {
        name: "image",
        shape: Shape::Text(&IMAGE),
        presence: Presence::Optional("the release that hagen was written for"),
        about: "kube-vip's image.",
    },
    Key {
        name: "lease",
        shape: Shape::Mapping(LEASE),
        presence: Presence::Default("{}"),
        about: "Times of its Lease, in seconds; docs/assembly.md has the figures behind the defaults.",
    },
    Key { name: "bgp", shape: Shape::Object, presence: Presence::Planned(&[]), about: "Peers of the mode `bgp`." },
];

const LEASE: &[Key] = &[
    Key {
        name: "duration",
        shape: Shape::Integer(1, 3600),
        presence: Presence::Default("15"),
        about: "After so long without a word from the holder another control plane takes over.",
    },
    Key {
        name: "renewDeadline",
        shape: Shape::Integer(1, 3600),
        presence: Presence::Default("10"),
        about: "After so long without a successful renewal the holder gives up.",
    },
    Key {
        name: "retryPeriod",
        shape: Shape::Integer(1, 3600),
        presence: Presence::Default("2"),
        about: "How often it is tried.",
    },
];

const ETCD: &[Key] = &[
    Key {
        name: "topology",
        shape: Shape::Choice { built: &["stacked"], planned: &["external"] },
        presence: Presence::Default("stacked"),
        about: "Where etcd runs: on every control plane.",
    },
    Key {
        name: "imageTag",
        shape: Shape::Text(&TAG),
        presence: Presence::Optional("kubeadm's choice"),
        about: "The tag of etcd's image.",
    },
    Key {
        name: "extraArgs",
        shape: ARGUMENTS,
        presence: Presence::Default("{}"),
        about: "Flags of etcd, without dashes.",
    },
    Key {
        name: "endpoints",
        shape: Shape::List(&Shape::Text(&TEXT)),
        presence: Presence::Planned(&[]),
        about: "Members of an etcd that is already there.",
    },
    Key {
        name: "certificates",
        shape: Shape::Object,
        presence: Presence::Planned(&[]),
        about: "What the API servers present to such an etcd.",
    },
    Key {
        name: "extraEnvs",
        shape: Shape::List(&Shape::Object),
        presence: Presence::Planned(&[]),
        about: COMPONENT_PLANNED,
    },
];

/// `bootstrap.certificates`, and a node's own.
const CERTIFICATES: Shape = Shape::Choice { built: &["upload", "embed"], planned: &[] };

const BOOTSTRAP: &[Key] = &[
    Key {
        name: "strategy",
        shape: Shape::Choice { built: &["init-join"], planned: &["quorum"] },
        presence: Presence::Default("init-join"),
        about: "Who starts the cluster: the first control plane.",
    },
    Key {
        name: "certificates",
        shape: CERTIFICATES,
        presence: Presence::Default("upload"),
        about: "How joining control planes get the authorities' keys: from the cluster, encrypted, or in their bundle.",
    },
    Key {
        name: "credentials",
        shape: Shape::Choice { built: &["certificate", "token"], planned: &[] },
        presence: Presence::Default("certificate"),
        about: "What workers join with: a certificate for this one node, or the cluster's bootstrap token.",
    },
    Key {
        name: "window",
        shape: Shape::Text(&DURATION),
        presence: Presence::Default("168h"),
        about: "After `issuedAt` and so long, a bundle may join a cluster but never start one.",
    },
    Key {
        name: "absent",
        shape: Shape::List(&Shape::Text(&NAME)),
        presence: Presence::Planned(&[]),
        about: "Control planes that the strategy `quorum` need not wait for.",
    },
];

const PKI: &[Key] = &[
    Key {
        name: "caCertificateValidityPeriod",
        shape: Shape::Text(&DURATION),
        presence: Presence::Default("87600h"),
        about: "How long authorities live.",
    },
    Key {
        name: "certificateValidityPeriod",
        shape: Shape::Text(&DURATION),
        presence: Presence::Default("8760h"),
        about: "How long all other certificates live; at least 720h.",
    },
];

const NETWORK: &[Key] = &[
    Key {
        name: "gateway",
        shape: Shape::Text(&ADDRESS),
        presence: Presence::Optional("no default route"),
        about: "The default route of every machine.",
    },
    Key {
        name: "nameservers",
        shape: Shape::List(&Shape::Text(&ADDRESS)),
        presence: Presence::Default("[]"),
        about: "DNS servers. CoreDNS does not start on a machine that has none.",
    },
    Key {
        name: "search",
        shape: Shape::List(&Shape::Text(&DNS_NAME)),
        presence: Presence::Default("[]"),
        about: "Domains in which short names are looked up.",
    },
    Key {
        name: "ntp",
        shape: Shape::List(&Shape::Text(&ALTERNATIVE_NAME)),
        presence: Presence::Default("[]"),
        about: "Time servers, names or addresses.",
    },
    Key {
        name: "mtu",
        shape: Shape::Integer(1280, 9216),
        presence: Presence::Optional("the interface's own"),
        about: "Bytes of the largest packet.",
    },
];

const SOFTWARE: &[Key] = &[Key {
    name: "source",
    shape: Shape::Choice { built: &["preinstalled"], planned: &["apt", "payload"] },
    presence: Presence::Default("preinstalled"),
    about: "`preinstalled`: they are in the machine's image.",
}];

const CONTAINERD: &[Key] = &[Key {
    name: "extraConfig",
    shape: Shape::Text(&TEXT),
    presence: Presence::Optional("hagen's configuration alone"),
    about: "TOML that is merged over hagen's configuration.",
}];

const USERS: &[Key] = &[
    Key {
        name: "name",
        shape: Shape::Text(&USER),
        presence: Presence::Required("name: ops"),
        about: "The account's name.",
    },
    Key {
        name: "sshAuthorizedKeys",
        shape: Shape::List(&Shape::Text(&PUBLIC_KEY)),
        presence: Presence::Default("[]"),
        about: "Public keys that may log in.",
    },
    Key {
        name: "sudo",
        shape: Shape::Boolean,
        presence: Presence::Default("false"),
        about: "May become root without a password.",
    },
];

const FILES: &[Key] = &[
    Key {
        name: "path",
        shape: Shape::Text(&PATH),
        presence: Presence::Required("path: /etc/motd"),
        about: "Where it goes.",
    },
    Key {
        name: "content",
        shape: Shape::Text(&TEXT),
        presence: Presence::Optional("none; either this or `source` is required"),
        about: "Its text.",
    },
    Key {
        name: "source",
        shape: Shape::Text(&FILE),
        presence: Presence::Optional("none"),
        about: "Instead of `content`: a file beside the document, text or not.",
    },
    Key {
        name: "mode",
        shape: Shape::Text(&MODE),
        presence: Presence::Default("\"0644\""),
        about: "Its permissions; never setuid or setgid.",
    },
    Key {
        name: "owner",
        shape: Shape::Text(&OWNER),
        presence: Presence::Optional("`root:root`"),
        about: "User and group.",
    },
];

const NODES: &[Key] = &[
    Key {
        name: "name",
        shape: Shape::Text(&NAME),
        presence: Presence::Required("name: cp1"),
        about: "Host name, name of the Node and of etcd's member.",
    },
    Key {
        name: "role",
        shape: Shape::Choice { built: &["control-plane", "worker"], planned: &["etcd", "load-balancer"] },
        presence: Presence::Required("role: worker"),
        about: "What it is for.",
    },
    Key {
        name: "address",
        shape: Shape::Text(&INTERFACE_ADDRESS),
        presence: Presence::Required("address: 10.9.0.11/24"),
        about: "What it registers with.",
    },
    Key {
        name: "mac",
        shape: Shape::Text(&MAC),
        presence: Presence::Optional("not matched by it"),
        about: "The interface's MAC address: it is found by it, and gets `address`.",
    },
    Key {
        name: "interface",
        shape: Shape::Text(&INTERFACE),
        presence: Presence::Optional("not matched by it"),
        about: "The interface's name: it gets `address`; with `mac` as well it is renamed. With neither, hagen configures no \
                network, and the first step waits until some interface holds `address`.",
    },
    Key {
        name: "network",
        shape: Shape::Object,
        presence: Presence::Planned(&[]),
        about: "A subset of netplan's version 2: bonds, VLANs, bridges, routes, more addresses.",
    },
    Key {
        name: "certificates",
        shape: CERTIFICATES,
        presence: Presence::Optional("`bootstrap.certificates`"),
        about: "The same for this control plane. One that is added to a running cluster needs `embed`.",
    },
    Key {
        name: "roles",
        shape: Shape::List(&Shape::Text(&ROLE)),
        presence: Presence::Default("[]"),
        about: "More roles of a worker, as `kubectl get nodes` shows them.",
    },
    Key {
        name: "labels",
        shape: Shape::Map(&LABEL_KEY, &Shape::Text(&LABEL_VALUE)),
        presence: Presence::Default("{}"),
        about: "Labels that the Node registers with.",
    },
    Key {
        name: "taints",
        shape: Shape::List(&Shape::Mapping(TAINT)),
        presence: Presence::Optional("kubeadm's: control planes get one, workers none"),
        about: "Taints that the Node registers with; `[]` means none.",
    },
    Key {
        name: "kubeletExtraArgs",
        shape: ARGUMENTS,
        presence: Presence::Default("{}"),
        about: "Flags of this kubelet, added to `kubernetes.kubeletExtraArgs`.",
    },
    Key {
        name: "files",
        shape: Shape::Keyed("path", FILES),
        presence: Presence::Default("[]"),
        about: "More files on this machine; one with the path of a cluster-wide file replaces it.",
    },
    Key {
        name: "proxmox",
        shape: Shape::Object,
        presence: Presence::Planned(&[]),
        about: "The virtual machine: vmid, cores, memory, bridge, storage.",
    },
    Key {
        name: "format",
        shape: Shape::Choice { built: &["cloud-init"], planned: &["ignition"] },
        presence: Presence::Optional("the cluster's"),
        about: "`format` for this machine.",
    },
    Key {
        name: "os",
        shape: Shape::Choice { built: &["debian", "ubuntu"], planned: &["flatcar", "fedora-coreos"] },
        presence: Presence::Optional("the cluster's"),
        about: "`os` for this machine.",
    },
];

const TAINT: &[Key] = &[
    Key {
        name: "key",
        shape: Shape::Text(&LABEL_KEY),
        presence: Presence::Required("key: dedicated"),
        about: "Its key.",
    },
    Key { name: "value", shape: Shape::Text(&LABEL_VALUE), presence: Presence::Optional("empty"), about: "Its value." },
    Key {
        name: "effect",
        shape: Shape::Choice { built: &["NoSchedule", "PreferNoSchedule", "NoExecute"], planned: &[] },
        presence: Presence::Required("effect: NoSchedule"),
        about: "What it does to Pods that do not tolerate it.",
    },
];
