//! Rendering: a document and its secrets become the tree of everything that is written. A pure function.

use serde::Serialize;
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use crate::bundle::{Bundle, BundleError, Material};
use crate::cluster::{Cluster, Part, url_host};
use crate::config::catalogue::Code;
use crate::config::diagnostics::{Severity, render_without_text};
use crate::config::schema::{Credentials, Document, UserDataLimit};
use crate::format::{Entry, Tree, cloud_init, gzip, ignition, plain};
use crate::kubernetes::certificates;
use crate::media::{MEDIA, Machine, MediaError, Medium, Site};
use crate::os::Format;
use crate::payload;
use crate::pki::{PkiError, kubeconfig};
use crate::secrets::{Secrets, hexadecimal};

/// What to render besides the seeds.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Also the plain tree of every node.
    pub plain_tree: bool,
    /// Media by name, besides those of the document.
    pub media: Vec<String>,
}

/// What was rendered.
pub struct Rendered {
    /// Everything that is written.
    pub tree: Tree,
    /// A line for each node.
    pub nodes: Vec<NodeSummary>,
    /// Until when the leaf certificates are valid.
    pub certificates_until: OffsetDateTime,
}

/// What a person wants to know of one node's bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSummary {
    /// Its name.
    pub name: String,
    /// What it does at first boot.
    pub part: Part,
    /// Its address.
    pub address: String,
    /// How its bundle is encoded.
    pub format: Format,
    /// Bytes of user-data, or of config.ign.
    pub size: usize,
    /// Where that is in the tree.
    pub seed: String,
    /// Until when its bundle may start a cluster.
    pub starts_until: Option<OffsetDateTime>,
    /// Until when it may join.
    pub joins_until: OffsetDateTime,
}

#[derive(Serialize)]
struct Manifest<'a> {
    hagen: &'static str,
    cluster: &'a str,
    inputs: String,
    files: Vec<ManifestFile<'a>>,
}

#[derive(Serialize)]
struct ManifestFile<'a> {
    path: &'a str,
    mode: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
}

/// Why nothing was rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// A bundle cannot be made.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A certificate cannot be made.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// A medium cannot be written.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// Bundles are larger than their carriers take.
    #[error("{} bundles are too large", .0.len())]
    TooLarge(Vec<TooLarge>),
}

/// A bundle that is larger than its carrier takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLarge {
    /// Whose.
    pub node: String,
    /// What is too large.
    pub file: &'static str,
    /// Its bytes, after gzip if that is what the carrier is given.
    pub size: usize,
    /// What the document says that the carrier takes.
    pub limit: UserDataLimit,
    /// The largest files in it with their bytes, the largest first.
    pub largest: Vec<(String, usize)>,
}

impl TooLarge {
    /// The message, ending with a line break.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let gzipped = if self.limit.gzipped { " gzipped" } else { "" };
        let message = format!(
            "{} of `{}` has {}{gzipped}, and its carrier takes {}",
            self.file,
            self.node,
            kibibytes(self.size),
            self.limit.size
        );
        let largest: Vec<String> =
            self.largest.iter().map(|(path, size)| format!("{path} ({})", kibibytes(*size))).collect();
        let help = format!("the largest files are {}; or use a carrier that takes more", largest.join(", "));
        render_without_text(Severity::Error, Code::UserDataTooLarge, &message, None, &help, colour)
    }
}

/// A size for people.
#[must_use]
pub fn kibibytes(bytes: usize) -> String {
    format!("{:.1} KiB", bytes as f64 / 1024.0)
}

/// Renders every node. `inputs` are the bytes of all that was read, the document first: their digest goes into
/// manifest.json. `payload` is the disk with what the machines cannot fetch.
///
/// # Errors
/// [`RenderError`] when a bundle cannot be made, or is too large.
pub fn render(
    document: &Document,
    secrets: &Secrets,
    inputs: &[&[u8]],
    options: &Options,
    payload: Option<Entry>,
) -> Result<Rendered, RenderError> {
    let cluster = Cluster::resolve(document, secrets.issued_at());
    let material = Material::derive(&cluster, secrets)?;
    let wanted = |medium: &&Medium| {
        document.media.contains(&medium.name) || options.media.iter().any(|name| name == medium.name)
    };
    let media: Vec<&Medium> = MEDIA.iter().filter(wanted).collect();
    let mut tree = Tree::default();
    let mut nodes = Vec::new();
    let (mut machines, mut too_large) = (Vec::new(), Vec::new());
    for node in &cluster.nodes {
        let bundle = Bundle::assemble(&cluster, node, &material)?;
        let root = format!("nodes/{}", node.name());
        let file = match node.format {
            Format::CloudInit => cloud_init::encode(&mut tree, &root, &bundle)?,
            Format::Ignition => ignition::encode(&mut tree, &root, &bundle)?,
        };
        let path = format!("{root}/{file}");
        let seed = tree.content(&path).unwrap_or_default();
        let size = seed.len();
        if let Some(limit) = node.user_data_limit {
            let size = if limit.gzipped { gzip(seed).len() } else { size };
            if size as u64 > limit.size.bytes() {
                too_large.push(TooLarge { node: node.name().to_owned(), file, size, limit, largest: largest(&bundle) });
            }
        }
        if options.plain_tree {
            plain::encode(&mut tree, &format!("{root}/rootfs"), &bundle);
        }
        if !media.is_empty() {
            machines.push(Machine::new(&cluster, node, &bundle, &tree)?);
        }
        nodes.push(NodeSummary {
            name: node.name().to_owned(),
            part: node.part,
            address: node.address.to_string(),
            format: node.format,
            size,
            seed: path,
            starts_until: (node.part == Part::Init).then_some(cluster.starts_until),
            joins_until: match node.part {
                Part::Worker(Credentials::Token) => cluster.starts_until,
                _ => material.validity.not_after(),
            },
        });
    }

    if !too_large.is_empty() {
        return Err(RenderError::TooLarge(too_large));
    }

    let site = Site { cluster: &cluster, machines };
    if let Some(payload) = payload {
        tree.insert(payload::FILE, payload);
    }
    for medium in media {
        (medium.write)(&site, &mut tree)?;
    }

    let admin = certificates::admin();
    let pair = material.issue_client(&admin)?;
    // People's machines know no such name as the endpoint's.
    let server = format!("https://{}:{}", url_host(cluster.vip), cluster.endpoint_port);
    let text = kubeconfig(cluster.name(), &server, material.ca.certificate_pem(), &admin.common_name, &pair)?;
    tree.add("kubeconfig", text.expose().as_bytes());

    let manifest = manifest(&tree, &cluster, inputs);
    tree.add("manifest.json", manifest);
    Ok(Rendered { tree, nodes, certificates_until: material.validity.not_after() })
}

/// The three largest files of a bundle.
fn largest(bundle: &Bundle<'_>) -> Vec<(String, usize)> {
    let mut files: Vec<_> = bundle.files.iter().map(|file| (file.path.clone(), file.content.len())).collect();
    files.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    files.truncate(3);
    files
}

fn manifest(tree: &Tree, cluster: &Cluster<'_>, inputs: &[&[u8]]) -> Vec<u8> {
    let mut digest = Sha256::new();
    for input in inputs {
        digest.update(input.len().to_be_bytes());
        digest.update(input);
    }
    let sha256 = |path| tree.sha256(path).map(|digest| hexadecimal(&digest));
    let file = |(path, entry)| match entry {
        &Entry::File { mode, ref owner, .. } => ManifestFile {
            path,
            mode: format!("{mode:04o}"),
            owner: owner.as_deref(),
            sha256: sha256(path),
            target: None,
        },
        &Entry::Stream { .. } => {
            ManifestFile { path, mode: "0600".to_owned(), owner: None, sha256: sha256(path), target: None }
        }
        &Entry::Directory { mode } => {
            ManifestFile { path, mode: format!("{mode:04o}"), owner: None, sha256: None, target: None }
        }
        Entry::Link { target } => {
            ManifestFile { path, mode: "0777".to_owned(), owner: None, sha256: None, target: Some(target) }
        }
    };
    let manifest = Manifest {
        hagen: env!("CARGO_PKG_VERSION"),
        cluster: cluster.name(),
        inputs: format!("sha256:{}", hexadecimal(&digest.finalize())),
        files: tree.iter().map(file).collect(),
    };
    // Text and numbers alone: it cannot fail.
    let mut text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    text.push(b'\n');
    text
}

/// How long before their end leaf certificates are worth a warning.
const SOON: Duration = Duration::days(30);

/// The message about certificates that live `until` then, for somebody who renders `now`; nothing while there is time.
pub fn expiry(until: OffsetDateTime, now: OffsetDateTime, severity: Severity, colour: bool) -> Option<String> {
    if until - now >= SOON {
        return None;
    }
    let what = if until < now { "have been expired since" } else { "expire on" };
    let message = format!("the certificates in these bundles {what} {}", until.date());
    let help = "run `hagen secrets renew` on the secrets file, and render again";
    Some(render_without_text(severity, Code::CertificatesExpire, &message, None, help, colour))
}
