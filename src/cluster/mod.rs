//! The resolved cluster: what a document and a secrets file mean together, with every default filled in.
//!
//! A [`Document`] and the moment of issue come in, a [`Cluster`] goes out: who starts the cluster, who joins how, until
//! when. Later rooms only read it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use time::OffsetDateTime;

use crate::config::schema::{self, Certificates, Credentials, Document, File, ProxyMode, Role, UserDataLimit};
use crate::kubernetes::versions::Facts;
use crate::os::{Format, OperatingSystem, System};

/// The image of kube-vip that hagen was written for. Never v1.2.2: it waits for its own VIP on a cold start
/// (kube-vip#1654).
pub const KUBE_VIP_IMAGE: &str = "ghcr.io/kube-vip/kube-vip:v1.2.3";

/// One cluster.
#[derive(Debug, Clone)]
pub struct Cluster<'a> {
    /// What the document says.
    pub document: &'a Document,
    /// What is true of its Kubernetes release.
    pub facts: Facts,
    /// The endpoint's name: `controlPlaneEndpoint` without the port.
    pub endpoint_name: String,
    /// The endpoint's port, which is also every API server's.
    pub endpoint_port: u16,
    /// The endpoint's address.
    pub vip: IpAddr,
    /// When the secrets were made; no machine's clock may be before it.
    pub issued_at: OffsetDateTime,
    /// From then on no bundle starts a cluster.
    pub starts_until: OffsetDateTime,
    /// The nodes, in the document's order.
    pub nodes: Vec<Node<'a>>,
}

/// One machine.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    /// What the document says of it.
    pub declared: &'a schema::Node,
    /// Its part at first boot.
    pub part: Part,
    /// The address that it registers with.
    pub address: IpAddr,
    /// How its bundle is encoded.
    pub format: Format,
    /// How large its user-data may be.
    pub user_data_limit: Option<UserDataLimit>,
    /// Its operating system.
    pub os: OperatingSystem,
    /// What is true of that.
    pub system: System,
    /// Extra files, the cluster's and its own.
    pub files: Vec<&'a File>,
    /// Arguments of its kubelet, `node-ip` and `node-labels` among them.
    pub kubelet_extra_args: BTreeMap<String, String>,
}

/// What a machine does at its first boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first control plane: starts the cluster, or joins it when one lives.
    Init,
    /// A joining control plane, and how it gets the authorities' keys.
    ControlPlane(Certificates),
    /// A worker, and what it joins with.
    Worker(Credentials),
}

impl<'a> Cluster<'a> {
    /// Resolves a document that passed every rule, with secrets issued at `issued_at`.
    #[must_use]
    pub fn resolve(document: &'a Document, issued_at: OffsetDateTime) -> Self {
        let version = &document.kubernetes.version;
        let mut started = false;
        let nodes = document
            .nodes
            .iter()
            .map(|declared| {
                let part = match declared.role.value {
                    Role::Worker => Part::Worker(document.bootstrap.credentials),
                    Role::ControlPlane if !started => {
                        started = true;
                        Part::Init
                    }
                    Role::ControlPlane => {
                        Part::ControlPlane(declared.certificates.unwrap_or(document.bootstrap.certificates))
                    }
                };
                Node::resolve(document, declared, part)
            })
            .collect();
        Self {
            document,
            facts: Facts::of(version.minor, version.patch),
            endpoint_name: match &document.endpoint.name {
                Some(name) => name.to_string(),
                None => format!("api.{}.internal", document.name.value),
            },
            endpoint_port: document.endpoint.port,
            vip: document.endpoint.vip.value,
            issued_at,
            starts_until: issued_at + document.bootstrap.window.as_duration(),
            nodes,
        }
    }

    /// The cluster's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.document.name.as_str()
    }

    /// The declared control planes, the first one first.
    pub fn control_planes(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.iter().filter(|node| node.is_control_plane())
    }

    /// Whether any declared control plane downloads the authorities from the cluster.
    #[must_use]
    pub fn uploads(&self) -> bool {
        self.nodes.iter().any(|node| node.part == Part::ControlPlane(Certificates::Upload))
    }

    /// Whether the bootstrap token lives until the window ends, for workers that control planes do not know.
    #[must_use]
    pub fn token_stays(&self) -> bool {
        self.document.bootstrap.credentials == Credentials::Token
    }

    /// `controlPlaneEndpoint`.
    #[must_use]
    pub fn control_plane_endpoint(&self) -> String {
        format!("{}:{}", self.endpoint_name, self.endpoint_port)
    }

    /// kube-vip's image.
    #[must_use]
    pub fn kube_vip_image(&self) -> &str {
        self.document.endpoint.kube_vip.image.as_deref().unwrap_or(KUBE_VIP_IMAGE)
    }

    /// Whether kubeadm is to install kube-proxy.
    #[must_use]
    pub fn has_kube_proxy(&self) -> bool {
        self.document.kubernetes.proxy.mode != ProxyMode::None
    }

    /// Whether nodes, Pods or Services have IPv6 addresses.
    #[must_use]
    pub fn has_ipv6(&self) -> bool {
        let kubernetes = &self.document.kubernetes;
        let ranges = kubernetes.pod_subnet.iter().chain(&kubernetes.service_subnet);
        ranges.into_iter().any(|range| range.addr().is_ipv6()) || self.nodes.iter().any(|node| node.address.is_ipv6())
    }

    /// Where kubelet and controller manager look for FlexVolume drivers, where kubeadm's default cannot be: kubeadm makes
    /// that folder for the controller manager's Pod, and one machine whose /usr is read-only is enough.
    #[must_use]
    pub fn flex_volume_directory(&self) -> Option<&'static str> {
        let needed = self.nodes.iter().any(|node| node.system.usr_is_read_only);
        needed.then_some("/opt/libexec/kubernetes/kubelet-plugins/volume/exec/")
    }

    /// Lifetime of authorities and of leaves.
    #[must_use]
    pub fn validity_periods(&self) -> (Duration, Duration) {
        let pki = &self.document.pki;
        (pki.ca_certificate_validity_period.as_duration(), pki.certificate_validity_period.as_duration())
    }
}

impl<'a> Node<'a> {
    fn resolve(document: &'a Document, declared: &'a schema::Node, part: Part) -> Self {
        let own = |file: &&File| !declared.files.iter().any(|other| other.path.value == file.path.value);
        let files = document.files.iter().filter(own).chain(&declared.files).collect();

        let mut labels: BTreeMap<String, String> =
            declared.labels.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        if let Part::Worker(_) = part {
            // A kubelet may not label itself node-role.kubernetes.io/*; the caretaker copies these.
            labels.insert("hagen.io/role.worker".to_owned(), String::new());
            for role in &declared.roles {
                labels.insert(format!("hagen.io/role.{role}"), String::new());
            }
        }
        let mut kubelet_extra_args = document.kubernetes.kubelet_extra_args.clone();
        kubelet_extra_args.extend(declared.kubelet_extra_args.clone());
        kubelet_extra_args.insert("node-ip".to_owned(), declared.address.addr().to_string());
        if !labels.is_empty() {
            let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
            kubelet_extra_args.insert("node-labels".to_owned(), labels.join(","));
        }
        let os = declared.os.unwrap_or(document.os);
        let system = os.system();
        Self {
            declared,
            part,
            address: declared.address.addr(),
            format: declared.format.or(document.format).unwrap_or(system.format),
            user_data_limit: declared.user_data_limit.or(document.user_data_limit),
            os,
            system,
            files,
            kubelet_extra_args,
        }
    }

    /// The node's name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.declared.name.as_str()
    }

    /// Whether it runs the API and a member of etcd.
    #[must_use]
    pub fn is_control_plane(&self) -> bool {
        !matches!(self.part, Part::Worker(_))
    }

    /// Whether the keys of the authorities are in its bundle.
    #[must_use]
    pub fn holds_authorities(&self) -> bool {
        matches!(self.part, Part::Init | Part::ControlPlane(Certificates::Embed))
    }

    /// Whether it may join with a client certificate of its own. The first control plane does when it comes back.
    #[must_use]
    pub fn joins_with_certificate(&self) -> bool {
        self.holds_authorities() || self.part == Part::Worker(Credentials::Certificate)
    }
}

/// An address as it stands in a URL.
#[must_use]
pub fn url_host(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}
