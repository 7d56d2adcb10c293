//! What differs between the operating systems of machines: one table, and as facts. Nowhere else is a system's name
//! compared.
//!
//! The document's `os` comes in, its [`System`] goes out. It depends on nothing.

/// `format`: how a bundle is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A NoCloud seed.
    CloudInit,
    /// A config of Ignition.
    Ignition,
}

/// `os`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatingSystem {
    /// Debian 12 or newer.
    Debian,
    /// Ubuntu 22.04 or newer.
    Ubuntu,
    /// Flatcar Container Linux.
    Flatcar,
    /// Fedora CoreOS.
    FedoraCoreos,
    /// RHEL CoreOS 4.14 or newer, and what is built like it.
    RhelCoreos,
    /// SLE Micro, openSUSE Leap Micro and MicroOS.
    SleMicro,
}

/// Each of them with the document's word for it.
pub const OPERATING_SYSTEMS: [(&str, OperatingSystem); 6] = [
    ("debian", OperatingSystem::Debian),
    ("ubuntu", OperatingSystem::Ubuntu),
    ("flatcar", OperatingSystem::Flatcar),
    ("fedora-coreos", OperatingSystem::FedoraCoreos),
    ("rhel-coreos", OperatingSystem::RhelCoreos),
    ("sle-micro", OperatingSystem::SleMicro),
];

/// What reads the configuration of the network where it comes as files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkService {
    /// systemd-networkd: units.
    Networkd,
    /// NetworkManager: keyfiles.
    NetworkManager,
}

/// What is true of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct System {
    /// What its stock images read at their first boot.
    pub format: Format,
    /// What configures its network.
    pub network: NetworkService,
    /// Where programs for people lie that belong to no package, on everybody's PATH.
    pub programs: &'static str,
    /// /usr cannot be written, which is where kubelet and controller manager look for FlexVolume drivers by default.
    pub usr_is_read_only: bool,
    /// Units that restart the machine when an update was installed. They wait until it is part of the cluster.
    pub restarting: &'static [&'static str],
    /// How containerd is started with /etc/containerd/config.toml, where its own unit reads another file.
    pub containerd: Option<&'static str>,
    /// The file of time servers, where the usual ones are not read.
    pub chrony: Option<&'static str>,
}

const DEBIAN: System = System {
    format: Format::CloudInit,
    network: NetworkService::Networkd,
    programs: "/usr/local/bin",
    usr_is_read_only: false,
    restarting: &[],
    containerd: None,
    chrony: None,
};

const COREOS: System = System {
    format: Format::Ignition,
    network: NetworkService::NetworkManager,
    usr_is_read_only: true,
    chrony: Some("/etc/chrony.conf"),
    ..DEBIAN
};

impl OperatingSystem {
    /// Its row of the table.
    #[must_use]
    pub const fn system(self) -> System {
        match self {
            Self::Debian | Self::Ubuntu => DEBIAN,
            Self::Flatcar => System {
                format: Format::Ignition,
                programs: "/opt/bin",
                usr_is_read_only: true,
                restarting: &["locksmithd.service"],
                containerd: Some("/usr/bin/containerd"),
                ..DEBIAN
            },
            Self::FedoraCoreos => System { restarting: &["zincati.service"], ..COREOS },
            Self::RhelCoreos => COREOS,
            Self::SleMicro => {
                System { restarting: &["transactional-update.timer", "rebootmgr.service"], chrony: None, ..COREOS }
            }
        }
    }
}
