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

/// How a system boots over the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkBoot {
    /// From its disk, where an image was written beforehand; only kernel and initrd come over the network.
    Disk,
    /// Flatcar in memory, which installs itself with flatcar-install.
    FlatcarInstall,
    /// The live system of Fedora CoreOS and RHEL CoreOS, which installs itself with coreos-installer.
    CoreosInstaller,
}

/// What is true of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct System {
    /// What its stock images read at their first boot.
    pub format: Format,
    /// What configures its network.
    pub network: NetworkService,
    /// /usr cannot be written, where kubelet and controller manager look for FlexVolume drivers by default.
    pub usr_is_read_only: bool,
    /// Units that install updates and restart the machine for them: they wait until it is part of the cluster. Flatcar's
    /// update-engine would make the next boot one into another release, whoever restarts the machine.
    pub updating: &'static [&'static str],
    /// How containerd is started with /etc/containerd/config.toml, where its own unit reads another file.
    pub containerd: Option<&'static str>,
    /// Folders that are mounted after Ignition has written, and hide what it wrote there (openSUSE's and SUSE's default
    /// subvolumes; only those with `x-initrd.mount` are there in time).
    pub mounted_late: &'static [&'static str],
    /// The file of time servers, where the usual ones are not read.
    pub chrony: Option<&'static str>,
    /// How programs get onto a machine whose image has none.
    pub installs: Option<Installs>,
    /// How it boots over the network, where hagen knows a way.
    pub network_boot: Option<NetworkBoot>,
    /// Its cloud-init, or the Ignition of an image that there is for Proxmox VE, looks for a NoCloud seed.
    pub reads_seed: bool,
    /// Where its Ignition looks for a config on QEMU's fw_cfg.
    pub fw_cfg: &'static str,
}

impl System {
    /// How a machine boots over the network that gets its bundle as `format`, where hagen knows a way.
    #[must_use]
    pub fn boots(self, format: Format) -> Option<NetworkBoot> {
        self.network_boot.filter(|_| format == self.format)
    }
}

/// How programs are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Installs {
    /// Debian packages, with apt-get.
    Packages,
    /// A system extension, which systemd-sysext lays over /usr (Flatcar's `sysext-bakery`).
    Extension,
}

/// Where homes are.
pub const HOME: &str = "/home";

const DEBIAN: System = System {
    format: Format::CloudInit,
    network: NetworkService::Networkd,
    usr_is_read_only: false,
    updating: &[],
    containerd: None,
    mounted_late: &[],
    chrony: None,
    installs: Some(Installs::Packages),
    network_boot: Some(NetworkBoot::Disk),
    reads_seed: true,
    fw_cfg: "opt/com.coreos/config",
};

const COREOS: System = System {
    format: Format::Ignition,
    network: NetworkService::NetworkManager,
    usr_is_read_only: true,
    chrony: Some("/etc/chrony.conf"),
    installs: None,
    network_boot: Some(NetworkBoot::CoreosInstaller),
    ..DEBIAN
};

impl OperatingSystem {
    /// The document's word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        OPERATING_SYSTEMS.iter().find(|(_, other)| *other == self).map_or("", |(word, _)| word)
    }

    /// Its row of the table.
    #[must_use]
    pub const fn system(self) -> System {
        match self {
            Self::Debian | Self::Ubuntu => DEBIAN,
            Self::Flatcar => System {
                format: Format::Ignition,
                usr_is_read_only: true,
                updating: &["update-engine.service", "locksmithd.service"],
                containerd: Some("/usr/bin/containerd"),
                installs: Some(Installs::Extension),
                network_boot: Some(NetworkBoot::FlatcarInstall),
                fw_cfg: "opt/org.flatcar-linux/config",
                ..DEBIAN
            },
            Self::FedoraCoreos => System { updating: &["zincati.service"], ..COREOS },
            Self::RhelCoreos => System { reads_seed: false, ..COREOS },
            Self::SleMicro => System {
                updating: &["transactional-update.service", "rebootmgr.service"],
                mounted_late: &[HOME, "/opt", "/srv", "/usr/local"],
                network_boot: None,
                reads_seed: false,
                ..COREOS
            },
        }
    }
}
