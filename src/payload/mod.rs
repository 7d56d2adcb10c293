//! The payload: what machines run that is not hagen's to write, for those that reach no registry.
//!
//! A cluster comes in, what each node needs goes out. Archives and packages are read here as well, from whatever the
//! binary opens, so that a payload with something missing never leaves the house.

pub mod archive;
pub mod packages;

use std::collections::BTreeMap;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::cluster::{Cluster, Node};
use crate::kubernetes::images::{self, Image};
use crate::os::Installs;

/// Its image in the output folder.
pub const FILE: &str = "payload.iso";
/// The label of the disk.
pub const LABEL: &str = "hagen-payload";
/// Where the disk says which archive has which image: name, name in the archive, path, and the bytes that the archive
/// becomes in containerd (blobs and unpacked layers); separated by tabs.
pub const INDEX: &str = "images.tsv";
/// The digests of everything else on it.
pub const SUMS: &str = "SHA256SUMS";
/// Where system extensions are.
pub const EXTENSIONS: &str = "extensions";
/// The only processor that their names here are for.
pub const EXTENSION_PROCESSOR: &str = "amd64";
/// Where Debian packages are, with their `Packages`.
pub const PACKAGES: &str = "packages";
/// There, the codename of the release that they are of.
pub const CODENAME: &str = "codename";

/// What kubelet, kubeadm and hagen's steps call on a Debian without any of it. kubeadm's preflight asks for conntrack,
/// ethtool, iptables, mount, socat.
const TOOLS: [&str; 11] = [
    "containerd",
    "conntrack",
    "cri-tools",
    "curl",
    "ethtool",
    "iproute2",
    "iptables",
    "kubernetes-cni",
    "openssl",
    "procps",
    "socat",
];

/// Reads on, and remembers size and digest of what went by.
pub struct Hashing<R> {
    inner: R,
    digest: Sha256,
    size: u64,
}

impl<R> Hashing<R> {
    /// Nothing went by yet.
    pub fn new(inner: R) -> Self {
        Self { inner, digest: Sha256::new(), size: 0 }
    }

    /// Bytes and their digest.
    pub fn finish(self) -> (u64, [u8; 32]) {
        (self.size, self.digest.finalize().into())
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.inner.read(buffer)?;
        self.digest.update(&buffer[..length]);
        self.size += length as u64;
        Ok(length)
    }
}

/// Where a machine's programs come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Programs {
    /// Its image has them: each with its version, or what is said of it.
    Preinstalled(Vec<(&'static str, String)>),
    /// Debian packages, as apt-get is told: `kubeadm=1.36.3-*`.
    Packages(Vec<String>),
    /// A system extension, by its file's name.
    Extension(String),
}

impl Programs {
    /// What `node` runs.
    #[must_use]
    pub fn of(cluster: &Cluster<'_>, node: &Node<'_>) -> Self {
        let version = &cluster.document.kubernetes.version.value;
        let own: &[&str] =
            if node.is_control_plane() { &["kubeadm", "kubectl", "kubelet"] } else { &["kubeadm", "kubelet"] };
        match node.system.installs.filter(|_| cluster.document.software.installs) {
            None => {
                let mut programs: Vec<_> = own.iter().map(|name| (*name, format!("v{version}"))).collect();
                programs.push(("containerd", format!("{} or newer", cluster.facts.containerd_major())));
                Self::Preinstalled(programs)
            }
            Some(Installs::Packages) => {
                let own = own.iter().map(|name| format!("{name}={version}-*"));
                let extra = cluster.document.software.extra_packages.iter().cloned();
                let mut packages: Vec<String> = own.chain(TOOLS.map(str::to_owned)).chain(extra).collect();
                packages.sort();
                packages.dedup();
                Self::Packages(packages)
            }
            Some(Installs::Extension) => Self::Extension(format!("kubernetes-v{version}-x86-64.raw")),
        }
    }

    /// The packages, if that is what they are.
    #[must_use]
    pub fn packages(&self) -> &[String] {
        if let Self::Packages(packages) = self { packages } else { &[] }
    }

    /// The system extension, if that is what they are.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        if let Self::Extension(file) = self { Some(file) } else { None }
    }
}

/// Something that machines need, as one line about it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// A container image.
    Image(Image),
    /// A Debian package, as apt-get is told.
    Package(String),
    /// A system extension, by its file's name.
    Extension(String),
    /// A program in the machine's image, with its version.
    Program(&'static str, String),
}

/// Everything that the cluster's machines need, each with the names of those that do, in the document's order.
#[must_use]
pub fn things<'a>(cluster: &'a Cluster<'_>) -> BTreeMap<Thing, Vec<&'a str>> {
    let mut things: BTreeMap<Thing, Vec<&str>> = BTreeMap::new();
    for node in &cluster.nodes {
        let programs: Vec<Thing> = match Programs::of(cluster, node) {
            Programs::Preinstalled(programs) => {
                programs.into_iter().map(|(name, version)| Thing::Program(name, version)).collect()
            }
            Programs::Packages(packages) => packages.into_iter().map(Thing::Package).collect(),
            Programs::Extension(file) => vec![Thing::Extension(file)],
        };
        for thing in images::of_node(cluster, node).into_iter().map(Thing::Image).chain(programs) {
            things.entry(thing).or_default().push(node.name());
        }
    }
    things
}
