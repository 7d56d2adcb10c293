//! Every kind of mistake that hagen can find in a document, with its stable code.
//!
//! A code keeps its number and its meaning for ever; a kind that is no longer found leaves a gap.
//! In: nothing. Out: code, one-line title and explanation, for messages and for `hagen explain`.

/// Writes the enum and its three tables from one list, so that none can be forgotten.
macro_rules! catalogue {
    ($($name:ident = $code:literal, $title:literal, $explanation:literal;)*) => {
        /// A kind of mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        impl Code {
            /// Every code, in order.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable code, as in `HAGEN010`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// What kind of mistake it is, in one line.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title),* }
            }

            /// Why it is a mistake, and how to put it right.
            pub const fn explanation(self) -> &'static str {
                match self { $(Self::$name => $explanation),* }
            }
        }
    };
}

catalogue! {
    Syntax = "HAGEN001", "the text is not YAML",
        "The YAML parser stopped here, so nothing after this place was looked at. The usual causes are a tab in \
         the indentation, a quote that is never closed, and a colon followed by a blank in an unquoted text.";
    TooLarge = "HAGEN002", "the document is too large",
        "A document may have 8 MiB of text, a million values once aliases are expanded, and 64 levels of nesting. \
         A thousand nodes need about a hundredth of that; more is a mistake or an attack.";
    MultipleDocuments = "HAGEN003", "the file holds more than one YAML document",
        "One file describes one cluster. Remove the `---` line, or put the second cluster into a file of its own.";
    EmptyDocument = "HAGEN004", "the document is empty",
        "A cluster needs at least `name`, `kubernetes.version`, `endpoint.vip` and `nodes`.";
    DuplicateKey = "HAGEN005", "a mapping has the same key twice",
        "YAML forbids it, and programs disagree on which of the two counts. Keep one. An explicit key beside a \
         merge key `<<` is no duplicate: it wins over the merged one.";
    NonStringKey = "HAGEN006", "the key of a mapping is not text",
        "Keys such as `1`, `true` or `null` are numbers, booleans or nothing in YAML, and a list cannot be a key. \
         Write the key in quotes.";
    UnknownTag = "HAGEN007", "a YAML tag has no meaning here",
        "Only the tags of YAML's core schema (`!!str`, `!!int`, `!!float`, `!!bool`, `!!null`, `!!map`, `!!seq`) \
         are known. Encrypted values of other tools (`!vault`, `!sops`) must be decrypted first.";
    BadMerge = "HAGEN008", "the merge key `<<` does not name a mapping",
        "`<<` takes an alias of a mapping, or a list of such aliases: `<<: *defaults`.";
    RecursiveAlias = "HAGEN009", "an alias stands inside the value that it names",
        "Such a value would be endless. Write the value out.";
    UnknownKey = "HAGEN010", "the schema has no such key",
        "Every key must be known, for a misspelt key that is silently ignored costs a boot of every machine. The \
         help line names the nearest known key, or the place where this key belongs.";
    MissingKey = "HAGEN011", "a key that has no default is missing",
        "Only `name`, `kubernetes.version`, `endpoint.vip` and `nodes` have no default; nor have the name, role and \
         address of a node, and what names a user, file, taint or volume.";
    WrongType = "HAGEN012", "a value has the wrong type",
        "A list where a mapping is wanted, text where a number is wanted, and so on. Booleans are `true` and \
         `false`, nothing else; `yes` and `on` are text.";
    InvalidValue = "HAGEN013", "a value cannot be what it should be",
        "The text is not a valid name, address, version, duration and so on. The help line shows a valid one.";
    UnknownChoice = "HAGEN014", "a value is none of the possible ones",
        "The key takes one of a few words. The help line lists them.";
    OutOfRange = "HAGEN015", "a number is too small or too large",
        "The help line names the bounds.";
    NotBuilt = "HAGEN016", "a part of the schema is not built yet",
        "The key or value is planned and its meaning is settled, but this version of hagen cannot do it. It is \
         refused, for ignoring it would build another cluster than the document says.";
    UnreadableFile = "HAGEN017", "a file that the document names cannot be read",
        "Paths in `manifests` and `files` are relative to the document.";
    BadManifest = "HAGEN018", "a manifest is not a list of Kubernetes objects",
        "Manifests are applied on the first control plane at boot, where nobody sees kubectl's complaint. So each must be \
         UTF-8 and YAML whose documents have `apiVersion` and `kind`.";
    BadToml = "HAGEN019", "`containerd.extraConfig` is not TOML",
        "It is merged over hagen's configuration of containerd, which is a TOML file.";
    DuplicateNodeName = "HAGEN030", "two nodes have the same name",
        "The name is the Node's name in Kubernetes, the member's name in etcd and the machine's host name.";
    DuplicateAddress = "HAGEN031", "an address is given twice",
        "Each machine registers with its own address, and no other device of any machine has it. Link-local addresses \
         are on one link only and may be given again.";
    DuplicateMac = "HAGEN032", "a MAC address is given twice",
        "A machine finds its configuration, and its interface, by the MAC address.";
    ReservedName = "HAGEN033", "a name that means something else",
        "Every machine's /etc/hosts maps `localhost` and the endpoint's name already. A node of that name would be \
         unreachable, or would answer for the whole cluster.";
    NoNodes = "HAGEN034", "the cluster has no nodes",
        "Add machines under `nodes`.";
    NoControlPlane = "HAGEN035", "the cluster has no control plane",
        "Give one, three or five nodes `role: control-plane`.";
    EvenControlPlanes = "HAGEN036", "an even number of stacked control planes",
        "etcd needs a majority of its members. Four tolerate one failure, exactly as three do, and two tolerate \
         none, while each more machine can fail. Use 1, 3 or 5.";
    FieldOfOtherRole = "HAGEN037", "a key that this role of node does not have",
        "`certificates` says how a control plane gets the authorities' keys; a worker never gets any. `roles` are \
         more roles of a worker; a control plane has its own.";
    BadRoleLabel = "HAGEN038", "a role label that hagen cannot set",
        "`roles` become `node-role.kubernetes.io/<role>`. `control-plane`, `master` and `etcd` mean something to \
         Kubernetes and its tools and are never given to a worker. The name travels as the label \
         `hagen.io/role.<role>`, so it has at most 58 characters and no slash.";
    ForbiddenLabel = "HAGEN039", "a label that a kubelet must not give itself",
        "The admission plug-in NodeRestriction and the kubelet itself refuse labels under kubernetes.io and k8s.io, \
         but for a few: a worker that is broken into could otherwise attract Pods meant for others. Roles belong \
         under `roles`; other labels need a prefix of your own.";
    DuplicateTaint = "HAGEN040", "two taints have the same key and effect",
        "Kubernetes wants each pair of key and effect once.";
    FormatOfSystem = "HAGEN041", "the operating system does not read this format",
        "Flatcar, Fedora CoreOS, RHEL CoreOS and SLE Micro read Ignition's config and nothing of cloud-init's; Debian's and \
         Ubuntu's images have cloud-init, and read Ignition only if it was built into them. Without `format`, each machine \
         gets what its `os` reads.";
    DuplicateVmid = "HAGEN042", "two nodes have the same VMID",
        "A VMID names one machine in the whole Proxmox cluster. It is the node's `proxmox.vmid`, or `proxmox.vmidBase` plus \
         the last number of its address.";
    VipOutsideSubnet = "HAGEN050", "the VIP is outside the control planes' subnet",
        "kube-vip in ARP mode announces the address on the control planes' own layer 2 network. An address of \
         another subnet would be announced, and never asked for.";
    NodeOutsideVipSubnet = "HAGEN051", "a node is in another subnet than the VIP",
        "A control plane of another subnet cannot take the VIP over. A worker there reaches it only through a router.";
    VipTaken = "HAGEN052", "the VIP is a machine's own address",
        "The VIP moves between the control planes, so it must be an address that nothing else uses.";
    VipInRange = "HAGEN053", "the VIP is inside the pod or service range",
        "Addresses of these ranges are routed inside the cluster and never leave it.";
    AddressIsGateway = "HAGEN054", "a node has the gateway's address",
        "Two machines with one address: whoever answers first wins.";
    NotAHostAddress = "HAGEN055", "the first or last address of a subnet",
        "In IPv4 the first address names the network and the last is the broadcast address; in IPv6 the first is \
         the routers' anycast address.";
    UnusableAddress = "HAGEN056", "an address that no machine can be reached at",
        "Loopback, link-local, multicast, unspecified and reserved addresses cannot be a node's address, the VIP \
         or a gateway.";
    GatewayOutsideSubnet = "HAGEN057", "the gateway is outside a node's subnet",
        "A machine reaches its gateway directly, so the gateway is in the machine's own subnet.";
    NoGateway = "HAGEN058", "machines with static addresses have no gateway",
        "Machines with `mac`, `interface` or `network` get their address from the bundle, and no default route unless \
         `network.gateway` names one, or their own `network`: they would reach no image registry and no time server \
         outside their subnet. Where that is meant, write `gateway: null`. IPv6 machines learn their routers by \
         themselves.";
    NoNameserver = "HAGEN059", "machines with static addresses have no nameserver",
        "Machines with `mac`, `interface` or `network` get no DNS server unless `network.nameservers` names one, or \
         their own `network`. Image registries and time servers are not found then, and CoreDNS, which forwards to the \
         machine's own servers, does not start without any. Where that is meant, write `nameservers: []`.";
    OverlappingRanges = "HAGEN060", "two address ranges overlap",
        "Pods, Services and machines need ranges of their own, or packets for one go to the other.";
    ServiceRangeSize = "HAGEN061", "the service range is too small or too large",
        "kubeadm and the API server allow at most 20 bits of Service addresses (/12 in IPv4, /108 in IPv6), and \
         hagen wants at least 16 addresses (/28, /124).";
    PodRangeSize = "HAGEN062", "the pod range does not fit the nodes",
        "The controller manager cuts the range into one piece a node: a /24 in IPv4, a /64 in IPv6, unless \
         `node-cidr-mask-size-ipv4` or `-ipv6` under `kubernetes.controllerManager.extraArgs` says otherwise, or \
         `allocate-node-cidrs: false` that it cuts none. kubeadm allows at most 16 bits of pieces.";
    AddressFamilies = "HAGEN063", "the address families do not fit together",
        "A dual-stack list has one IPv4 and one IPv6 range. The first service range has the family of the machines' \
         addresses, for the API server advertises one of these as the first Service; and Pods have addresses of that \
         family, or they could not reach it.";
    NameserverInRange = "HAGEN064", "a nameserver is inside the pod or service range",
        "Machines need names before the cluster's own DNS runs, and it would forward to itself. Name a server of the \
         site.";
    UnusedNetwork = "HAGEN065", "network settings that no machine uses",
        "Everything under `network` but `ntp` is for machines that get a static address from their bundle, which are \
         those with `mac`, `interface` or a `network` that has `address`. Others are configured by their image or by \
         DHCP.";
    UnknownVersion = "HAGEN070", "hagen does not know this Kubernetes minor",
        "hagen was run with kubeadm 1.34 to 1.37. Another minor may work: `--allow-untested` makes this a warning.";
    VersionTooOld = "HAGEN071", "the Kubernetes version is too old",
        "hagen writes kubeadm's v1beta4 configuration, which begins with 1.31.";
    OwnedArgument = "HAGEN072", "an argument that hagen or kubeadm sets itself",
        "A second value would contradict what the rest of the bundle says. The help line names the key that sets it.";
    IgnoreAll = "HAGEN073", "all preflight errors would be ignored",
        "kubeadm's checks are what stops a broken machine from joining. Name the checks that may fail. `all` also \
         cannot stand beside others, and hagen adds some when a step is tried again.";
    PortTaken = "HAGEN074", "the endpoint's port is in use on every control plane",
        "The API server could not bind it.";
    DeprecatedProxyMode = "HAGEN075", "kube-proxy's mode is deprecated",
        "kube-proxy says since 1.35 that IPVS may be removed in a future release, and names nftables as its successor.";
    UnseenPatch = "HAGEN076", "a patch release that is newer than hagen, with images from a payload",
        "kubeadm of each release wants its own etcd and CoreDNS, and hagen knows which from the sources of releases that \
         were there. A newer one may want others, which no machine without a registry could get. `kubeadm config images \
         list` of that release says it.";
    KubeVipDeadlock = "HAGEN080", "kube-vip v1.2.2 cannot start a cluster",
        "It talks to the API server through the VIP that it should bring up first (kube-vip#1654). v1.2.3 is fixed.";
    LeaseOrder = "HAGEN081", "the lease's three times are in the wrong order",
        "A leader tries every `retryPeriod` to renew, gives up after `renewDeadline`, and others may take over after \
         `duration`. client-go wants duration > renewDeadline > 1.2 * retryPeriod, and kube-vip does not start \
         otherwise.";
    KubeVipInterface = "HAGEN082", "kube-vip's interface is not a control plane's",
        "`endpoint.kubeVip.interface` is one name for all control planes. Where interfaces have other names, kube-vip \
         finds none and the control plane cannot take the VIP over; where the name exists but leads elsewhere, the VIP is \
         announced on the wrong network.";
    ZeroDuration = "HAGEN090", "a duration is zero",
        "Nothing could ever happen within it.";
    CertificatePeriod = "HAGEN091", "the certificates' lifetimes do not fit together",
        "A certificate cannot outlive its authority, and less than 30 days (720h) leave no time to renew.";
    DuplicateUser = "HAGEN100", "two users have the same name",
        "Put all keys of a user into one entry.";
    ReservedUser = "HAGEN101", "the user belongs to the operating system",
        "Choose a name that neither Debian nor Ubuntu uses. For root, give a user `sudo: true`.";
    BadAuthorizedKey = "HAGEN102", "not a line of authorized_keys",
        "Each entry is the content of a `.pub` file: key type, key, and perhaps a comment. A private key never \
         belongs into the document.";
    BadPath = "HAGEN103", "not an absolute, plain path",
        "Paths on machines begin with `/` and have no `.`, `..` or empty parts.";
    OwnedPath = "HAGEN104", "hagen or kubeadm writes this file itself",
        "One of the two contents would be lost. Most of these files have a key in the document.";
    DuplicateFile = "HAGEN105", "two entries write the same file",
        "Keep one. A node's own entry replaces the cluster-wide one with the same path; that is no duplicate.";
    FileContent = "HAGEN106", "a file needs either `content` or `source`",
        "`content` is the text itself, `source` a file beside the document.";
    UnknownOwner = "HAGEN107", "nobody makes the file's owner",
        "cloud-init gives up at a file whose user or group is not there, and drops every later one. Sure to be there \
         are root, the users of the document, and the users and groups that Debian's base-passwd makes.";
    PathConflict = "HAGEN108", "a path is both a file and a folder",
        "Where one file's path continues another's, only one of the two can exist.";
    HiddenPath = "HAGEN109", "a folder is mounted over the file",
        "On SLE Micro, /opt, /srv and /usr/local are subvolumes that are mounted after Ignition has written: what it wrote \
         there is hidden. So are homes, unless `users` has one; then hagen has /home mounted in time.";
    SecretsFile = "HAGEN110", "the secrets file cannot be read",
        "It is a small YAML mapping that `hagen render` wrote: `version`, `seed`, `issuedAt`, and perhaps imported \
         material. Its text is never shown.";
    SecretsVersion = "HAGEN111", "the secrets file is of another version",
        "Its `version` says how it is to be read. A newer one needs a newer hagen; nothing is guessed, for the keys of \
         the whole cluster come from it.";
    SecretsValue = "HAGEN112", "a value of the secrets file cannot be what it should be",
        "`seed` is 32 bytes in standard base64, `issuedAt` a UTC time in whole seconds.";
    ImportedMaterial = "HAGEN113", "an imported authority cannot be used",
        "An authority is a certificate that may sign others and its own private key, P-256 and unencrypted.";
    CertificatesExpire = "HAGEN114", "the certificates in the bundles expire soon, or have expired",
        "Certificates live from the secrets file's `issuedAt`. A machine whose bundle holds an expired one cannot join. \
         `hagen secrets renew FILE` moves `issuedAt` to now, with the same authorities; then render again. This depends \
         on the day of rendering, so it never changes a byte of the output.";
    UserDataTooLarge = "HAGEN115", "a bundle is larger than its carrier takes",
        "`userDataLimit` says how much that is. Some clouds take 16 or 32 KiB, a Proxmox snippet may have 1 MiB, an ISO has no \
         limit. The help line names the largest files of the bundle.";
    PayloadMissing = "HAGEN116", "the payload does not hold what the machines need",
        "A machine that reaches no registry would wait for it for ever, so nothing is written. `hagen images --script` \
         writes a script that fetches all of it; archives of images go below `images/`, Debian packages with their \
         `Packages` below `packages/`, system extensions below `extensions/`. How archives are called does not matter.";
    PayloadDamaged = "HAGEN117", "a file of the payload is not what it should be",
        "An archive that was cut short, or an image for another processor, would be noticed only at the machine. Fetch the \
         file again. Where two archives hold different images by one name, remove the one that is not meant. Archives \
         are tar files, perhaps compressed with gzip, as `skopeo copy` (docker-archive, oci-archive), `docker save`, \
         `podman save` and `ctr images export` write them.";
    SoftwareOfSystem = "HAGEN118", "programs cannot be installed on this system",
        "With `software: {source: payload}` Debian and Ubuntu get packages, Flatcar gets a system extension. The others take \
         programs into their images. One payload has the packages of one distribution.";
    UnusedPackages = "HAGEN119", "packages that nobody installs",
        "`software.extraPackages` are installed with those that Kubernetes needs, from the payload.";
    DeviceTwice = "HAGEN120", "two devices of a machine have the same name",
        "Bonds refer to their members by name, and an interface's name is unique in Linux: so each key is there once \
         under all of `ethernets`, `bonds`, `bridges` and `vlans`, and `set-name` gives no name that another device \
         has. `lo` is on every machine already.";
    UnknownDevice = "HAGEN121", "a device that the machine does not have",
        "`interfaces`, `link` and the node's `interface` name devices by their keys under `network`. A NIC that only \
         belongs to a bond or bridge is named as well: `ethernets: {eth0: {}}`.";
    MemberTwice = "HAGEN122", "a device is a member twice",
        "A device belongs to one bond or one bridge.";
    BadMember = "HAGEN123", "a device that cannot be a member",
        "Linux takes no bridge into a bridge; and bonds are of NICs or VLANs.";
    UnusableSettings = "HAGEN124", "settings that a device cannot use",
        "A member of a bond or bridge has no addresses, routes or nameservers: the bond or bridge has them. Nor does a \
         device use nameservers that has no address.";
    NoMembers = "HAGEN125", "a bond or bridge without members",
        "It would lead nowhere.";
    DeviceLoop = "HAGEN126", "devices that stand on each other",
        "A VLAN stands on its link, a bond or bridge on its members, and the last of them is a NIC.";
    AddressDevice = "HAGEN127", "no device has the node's address",
        "With `network`, one device must have `address`, for the machine registers with it and its peers reach it \
         there: the device that `interface` names, or the one that lists it under `addresses`, with the same prefix \
         length. Where neither is there, a device with DHCP of that family is trusted to get it.";
    MacBesideNetwork = "HAGEN128", "a node has both `mac` and `network`",
        "`mac` is for machines with one NIC. With `network` each NIC says its own, under `match`.";
    RouteGateway = "HAGEN129", "a route's gateway cannot be reached",
        "A gateway has the family of its route, and is in a subnet of the device's own: else the kernel refuses the \
         route. Link-local gateways of IPv6 are in every one; what DHCP gives cannot be known.";
    DuplicateRoute = "HAGEN130", "two routes of a machine lead to the same range",
        "With the same metric, one of the two is refused by the kernel, and which one is chance. The default route of \
         `network.gateway` counts, on the device that has `address`.";
    DeviceParameter = "HAGEN131", "a parameter that does not fit",
        "`lacp-rate` is for `mode: 802.3ad`; `primary` for `active-backup`, `balance-tlb` and `balance-alb`, and names \
         one of the members, by a name that the interface has as well; with `stp`, a bridge's `forward-delay` is at \
         least 2 seconds. The kernel refuses everything else.";
    DuplicateVlan = "HAGEN132", "two VLANs with the same tag on one device",
        "The kernel would not know whose a packet is.";
    SetNameWithoutMatch = "HAGEN133", "`set-name` without `match`",
        "A NIC is renamed when it is found by its MAC address. One that is found by its name has it already.";
    VlanMtu = "HAGEN134", "a VLAN's packets are larger than those of its link",
        "The kernel gives a VLAN no larger `mtu` than its link has, which is 1500 unless the document says more. The \
         device that has `address` gets `network.mtu`, if it has no `mtu` of its own.";
    AlwaysPulled = "HAGEN135", "an image of the payload that would be pulled all the same",
        "With `imagePullPolicy: Always`, which is also the default of the tag `latest`, the kubelet asks the registry before \
         each start of a container, and does not start it where there is none.";
    PxeIncomplete = "HAGEN140", "booting over the network needs to know more of a machine",
        "An installer must be told its disk (`pxe.disk`). Where the disk holds the system already, the kernel that comes \
         over the network must be told where: `root=...` among `pxe.arguments`, as the image's own boot loader says it. And \
         `pxe` of a node says nothing without the document's.";
    PxeLeftOut = "HAGEN141", "a machine that cannot boot over the network",
        "A machine is known by the MAC address of the NIC that it boots from (`mac`, or `match` under `network`), or by \
         `pxe.uuid`. hagen knows how Debian and Ubuntu with cloud-init, Flatcar, Fedora CoreOS and RHEL CoreOS boot; others \
         need another medium. What serve.sh gives is IPv4 alone: for machines with an IPv6 `address` the network's own \
         DHCP server gives the address and leads to `tftp/boot.ipxe`.";
    DuplicateUuid = "HAGEN142", "two nodes have the same UUID",
        "A machine that boots over the network finds its bundle by it. Some boards of one maker all have the same: then use \
         `mac`.";
    StickUnknown = "HAGEN143", "a machine that the stick cannot know",
        "One stick is for all machines, and each finds its own bundle on it by the MAC addresses of its NICs. One whose \
         address the document does not say is left out; it can have a CD of its own (`media: [iso]`).";
    StickIgnition = "HAGEN144", "a machine that reads no stick",
        "hagen's stick is for cloud-init, so machines that Ignition sets up are left out. Installers take their config: \
         `coreos-installer install --ignition-file config.ign`, `flatcar-install -i config.ign`. SLE Micro reads \
         `ignition/config.ign` on a disk with the label `ignition`.";
    SeedUnread = "HAGEN145", "a machine that does not look at its seed.iso",
        "There is no image of RHEL CoreOS and SLE Micro for Proxmox VE, the only platform where Ignition reads a NoCloud seed. \
         RHEL CoreOS can boot over the network (`media: [pxe]`), SLE Micro reads `ignition/config.ign` on a disk with the \
         label `ignition`; libvirt's machines get the config through QEMU.";
    OneNic = "HAGEN146", "a virtual machine with several NICs",
        "`create.sh`, `main.tf` and libvirt's domains have one NIC, with the MAC address of the NIC that has the node's \
         `address`. A machine that waits for the others, as for the members of a bond, gets them by hand.";
    NoMachineOfMedium = "HAGEN147", "a medium without a machine",
        "`proxmox` is for nodes with a VMID (`proxmox.vmidBase`, or `proxmox.vmid` of a node), `usb` for nodes with a MAC \
         address that cloud-init sets up. With none of them there is nothing to write.";
    PayloadMixed = "HAGEN148", "a payload for several processors",
        "One payload is for one kind of processor: the machine would be given what it cannot run. Keep a folder for each, \
         filled by `ARCH=arm64 bash mirror.sh DIR`. An archive that holds an image for several processors is fine. Flatcar's \
         system extension is for amd64 alone, and so must the images beside it be.";
    PxeAddressed = "HAGEN149", "a machine that has its address from DHCP alone",
        "hagen writes no network for a node without `mac`, `interface` and `network`, so one that is known by `pxe.uuid` alone \
         is lost when it starts again while no DHCP server gives it its address. serve.sh is for the time of the \
         installation.";
}
