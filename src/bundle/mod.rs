//! The bundle: everything that one machine is given, as a value that knows no format. The encoders in
//! [`crate::format`] write the same bundle in different clothes.
//!
//! A cluster, a node and the cluster's [`Material`] come in. Each secret is put in where a named step needs it, and
//! nowhere else.

mod containerd;
mod material;
pub mod network;

use k8s_openapi::api::core::v1::Secret as KubernetesSecret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::boot::{self, TemplateError};
use crate::cluster::{Cluster, Node, Part};
use crate::config::schema::User;
use crate::kubernetes::kube_vip;
use crate::kubernetes::kubeadm::{self, Discovery};
use crate::kubernetes::{certificates, images};
use crate::os::System;
use crate::pki::{PkiError, kubeconfig};
use crate::secrets::hexadecimal;
use crate::yaml::{self, YamlError};
pub use containerd::ContainerdError;
pub use material::Material;
pub use network::Network;

/// Where kubeadm looks for keys and certificates.
const PKI: &str = "/etc/kubernetes/pki";
/// The list that the first step compares every other file with.
const SUMS: &str = "/etc/hagen/SHA256SUMS";

/// Why a bundle cannot be made. Each is a bug or a broken secrets file; a document that passed its rules has none.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A certificate cannot be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A document cannot be written.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// A template does not fit its values.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// A document of JSON cannot be written.
    #[error("cannot write JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// containerd's configuration cannot be written.
    #[error(transparent)]
    Containerd(#[from] ContainerdError),
}

/// Everything that one machine is given.
pub struct Bundle<'a> {
    /// What is true of the machine's operating system.
    pub system: System,
    /// The host name.
    pub hostname: String,
    /// Names this machine's first boot: the same for every render of the same node.
    pub instance_id: String,
    /// Folders whose mode is not 0755.
    pub directories: Vec<Directory>,
    /// Files, in the order of their paths.
    pub files: Vec<File>,
    /// systemd units.
    pub units: Vec<boot::Unit>,
    /// Accounts; none means those of the image.
    pub users: &'a [User],
    /// Devices; none leaves the address to the image, or to DHCP, which cloud-init asks on the first NIC.
    pub network: Option<Network>,
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Absolute path.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
}

/// A file.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// Its bytes.
    pub content: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
    /// `user:group`.
    pub owner: String,
}

impl File {
    /// A file that belongs to root.
    pub fn of_root(path: impl Into<String>, mode: u32, content: impl Into<Vec<u8>>) -> Self {
        Self { path: path.into(), content: content.into(), mode, owner: "root:root".to_owned() }
    }
}

impl std::fmt::Debug for File {
    /// Without the content, which may be a key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:04o} {} ({} bytes)", self.path, self.mode, self.owner, self.content.len())
    }
}

/// Files while they are gathered.
struct Files(Vec<File>);

impl Files {
    fn add(&mut self, path: impl Into<String>, mode: u32, content: impl Into<Vec<u8>>) {
        self.0.push(File::of_root(path, mode, content));
    }

    fn secret(&mut self, path: impl Into<String>, content: &crate::secrets::Secret<String>) {
        self.add(path, 0o600, content.expose().as_bytes());
    }
}

impl<'a> Bundle<'a> {
    /// What one node is given.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn assemble(cluster: &Cluster<'a>, node: &Node<'a>, material: &Material) -> Result<Self, BundleError> {
        let mut files = Files(Vec::new());
        for program in boot::programs(cluster, node) {
            files.add(program.path, if program.executable { 0o755 } else { 0o644 }, program.content);
        }
        for (path, content) in boot::system_files(cluster, node)? {
            files.add(path, 0o644, content);
        }
        let administrators: Vec<&str> =
            cluster.document.users.iter().filter(|user| user.sudo).map(|user| user.name.as_str()).collect();
        if !administrators.is_empty() {
            files.add("/etc/sudoers.d/90-hagen", 0o440, boot::sudoers(&administrators)?);
        }
        files.add("/etc/containerd/config.toml", 0o644, containerd::configuration(cluster)?);
        if cluster.document.software.loads_images {
            let images = images::of_node(cluster, node);
            let names: String = images.iter().map(|image| format!("{}\n", image.name)).collect();
            files.add("/etc/hagen/images", 0o644, names);
        }
        files.add("/etc/crictl.yaml", 0o644, yaml::to_string("crictl.yaml", &Crictl::default())?);
        add_hosts(&mut files, cluster, node)?;

        files.add("/etc/hagen/pki/ca.crt", 0o644, material.ca.certificate_pem());
        let irreplaceable =
            if node.is_control_plane() { add_control_plane(&mut files, cluster, node, material)? } else { Vec::new() };
        let joining = add_join(&mut files, cluster, node, material)?;
        let certificates: Vec<String> = irreplaceable.into_iter().chain(joining).collect();
        files.add(
            "/etc/hagen/node.env",
            0o600,
            boot::node_env(cluster, node, &material.bootstrap_token, &certificates)?,
        );

        let mut files = files.0;
        for file in &node.files {
            files.push(File {
                path: file.path.value.clone(),
                content: file.content.clone(),
                mode: file.mode.bits(),
                owner: file.owner.as_ref().map_or("root:root", |owner| owner.value.as_str()).to_owned(),
            });
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        let units: Vec<boot::Unit> = boot::units(node).collect();
        files.push(sums(&files, &units));

        Ok(Self {
            system: node.system,
            hostname: node.name().to_owned(),
            instance_id: format!("hagen-{}-{}", cluster.name(), node.name()),
            directories: vec![Directory { path: "/etc/hagen".to_owned(), mode: 0o700 }],
            files,
            units,
            users: &cluster.document.users,
            network: Network::of(cluster, node),
        })
    }
}

/// /etc/hosts; on the init node the endpoint is the node itself until the VIP answers.
fn add_hosts(files: &mut Files, cluster: &Cluster<'_>, node: &Node<'_>) -> Result<(), TemplateError> {
    let final_hosts = boot::hosts(cluster, node, cluster.vip)?;
    if node.part == Part::Init {
        files.add("/etc/hosts", 0o644, boot::hosts(cluster, node, node.address)?);
        files.add("/etc/hagen/hosts", 0o644, final_hosts);
    } else {
        files.add("/etc/hosts", 0o644, final_hosts);
    }
    Ok(())
}

/// What only control planes have. Returns the certificates that this machine cannot replace.
fn add_control_plane(
    files: &mut Files,
    cluster: &Cluster<'_>,
    node: &Node<'_>,
    material: &Material,
) -> Result<Vec<String>, BundleError> {
    files.add("/etc/hagen/pki/etcd-ca.crt", 0o644, material.etcd_ca.certificate_pem());
    if node.holds_authorities() {
        for (name, authority) in
            [("ca", &material.ca), ("front-proxy-ca", &material.front_proxy_ca), ("etcd/ca", &material.etcd_ca)]
        {
            files.add(format!("{PKI}/{name}.crt"), 0o644, authority.certificate_pem());
            files.secret(format!("{PKI}/{name}.key"), authority.key_pem());
        }
        files.secret(format!("{PKI}/sa.key"), &material.service_account.private_pem);
        files.add(format!("{PKI}/sa.pub"), 0o644, material.service_account.public_pem.as_str());
    }
    let mut leaves = Vec::new();
    for leaf in certificates::control_plane_leaves(cluster, node) {
        let pair = material.issue(leaf.authority, &leaf.request)?;
        let path = format!("{PKI}/{}.crt", leaf.name);
        files.add(path.as_str(), 0o644, pair.certificate_pem);
        files.secret(format!("{PKI}/{}.key", leaf.name), &pair.key_pem);
        leaves.push(path);
    }

    let pair = material.issue_client(&certificates::kube_vip(node))?;
    let server = kubeadm::server_url(cluster, node);
    let ca = material.ca.certificate_pem();
    files.secret(kube_vip::KUBECONFIG, &kubeconfig(cluster.name(), &server, ca, kube_vip::USER, &pair)?);
    files.add(boot::KUBE_VIP_MANIFEST, 0o644, kube_vip::pod(cluster)?);

    if cluster.uploads() {
        let (token, key) = (&material.bootstrap_token, &material.certificate_key);
        files.secret("/etc/hagen/upload-certs.yaml", &kubeadm::upload_certs(cluster, node, token, key)?);
    }
    if cluster.uploads() || cluster.token_stays() {
        files.add("/etc/hagen/token-secret.yaml", 0o600, token_secret(material)?);
    }
    if cluster.token_stays() {
        files.secret("/etc/hagen/token.yaml", &kubeadm::token_create(cluster, node, &material.bootstrap_token)?);
    }
    if node.part == Part::Init {
        let key = cluster.uploads().then_some(&material.certificate_key);
        files.secret("/etc/hagen/kubeadm-init.yaml", &kubeadm::init(cluster, node, &material.bootstrap_token, key)?);
        files.add(boot::KUBE_VIP_RBAC, 0o644, kube_vip::rbac(cluster)?);
        for (index, manifest) in cluster.document.manifests.iter().enumerate() {
            let name = manifest.path.rsplit('/').next().unwrap_or_default();
            files.add(format!("/etc/hagen/manifests/{:02}-{name}", index + 1), 0o600, manifest.content.as_bytes());
        }
    }
    Ok(if node.holds_authorities() { Vec::new() } else { leaves })
}

/// What a node joins with. Returns the certificates that this machine cannot replace.
fn add_join(
    files: &mut Files,
    cluster: &Cluster<'_>,
    node: &Node<'_>,
    material: &Material,
) -> Result<Option<String>, BundleError> {
    let discovery = if boot::joins_with_token(node) {
        Discovery::Token { token: &material.bootstrap_token, ca_cert_hash: &material.discovery_hash }
    } else {
        Discovery::Certificate
    };
    let downloads = boot::joins_with_token(node) && node.is_control_plane();
    let key = downloads.then_some(&material.certificate_key);
    files.secret("/etc/hagen/kubeadm-join.yaml", &kubeadm::join(cluster, node, &discovery, key)?);
    if !node.joins_with_certificate() {
        return Ok(None);
    }
    let request = certificates::join(node);
    let pair = material.issue_client(&request)?;
    let server = format!("https://{}", cluster.control_plane_endpoint());
    let ca = material.ca.certificate_pem();
    let text = kubeconfig(cluster.name(), &server, ca, &request.common_name, &pair)?;
    files.secret(kubeadm::JOIN_KUBECONFIG, &text);
    // The init node joins only when it comes back; then its step looks at the date.
    Ok((node.part != Part::Init).then(|| kubeadm::JOIN_KUBECONFIG.to_owned()))
}

/// The bootstrap token as the Secret that `kubeadm token create` makes (`cmd/kubeadm/app/apis/bootstraptoken/v1`),
/// with a word for the caretaker to put the time in.
fn token_secret(material: &Material) -> Result<String, YamlError> {
    let (id, secret) = material.bootstrap_token.expose().split_once('.').unwrap_or_default();
    let data = [
        ("token-id", id),
        ("token-secret", secret),
        ("expiration", "@EXPIRATION@"),
        ("description", "hagen: for control planes that are still missing"),
        ("usage-bootstrap-authentication", "true"),
        ("usage-bootstrap-signing", "true"),
        ("auth-extra-groups", "system:bootstrappers:kubeadm:default-node-token"),
    ];
    let object = KubernetesSecret {
        metadata: ObjectMeta {
            name: Some(format!("bootstrap-token-{id}")),
            namespace: Some("kube-system".to_owned()),
            ..Default::default()
        },
        type_: Some("bootstrap.kubernetes.io/token".to_owned()),
        string_data: Some(data.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
        ..Default::default()
    };
    yaml::to_string("the token's Secret", &object)
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Crictl {
    runtime_endpoint: &'static str,
}

impl Default for Crictl {
    fn default() -> Self {
        Self { runtime_endpoint: "unix:///run/containerd/containerd.sock" }
    }
}

/// `sha256sum --check` reads it.
fn sums(files: &[File], units: &[boot::Unit]) -> File {
    use std::fmt::Write as _;
    let mut lines = String::new();
    let units = units.iter().map(|unit| (unit_path(unit), unit.content.as_bytes()));
    for (path, content) in files.iter().map(|file| (file.path.clone(), file.content.as_slice())).chain(units) {
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{}  {path}", hexadecimal(&Sha256::digest(content)));
    }
    File::of_root(SUMS, 0o600, lines)
}

/// Where a unit lies on the machine.
#[must_use]
pub fn unit_path(unit: &boot::Unit) -> String {
    format!("/etc/systemd/system/{}", unit.name)
}
