//! Container images: which ones a machine runs, by the names that containerd keeps them under.
//!
//! A cluster and a node come in, [`Image`]s go out.

use std::collections::BTreeMap;

use toml::Table;

use crate::cluster::{Cluster, Node};

/// kubeadm's own repository, in which CoreDNS has a folder of its own (`images/images.go`, `GetDNSImage`).
const DEFAULT_REPOSITORY: &str = "registry.k8s.io";

/// A container image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Image {
    /// As containerd's CRI looks for it: with registry, and with a digest, or a tag.
    pub name: String,
    /// As an archive has it, which knows no digests: with a tag, `sha256-...` where the name has a digest.
    pub archived: String,
}

impl Image {
    /// The image that Pods call `text`, by the rules of distribution/reference (`ParseDockerRef`): docker.io is understood,
    /// a tag beside a digest is dropped.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let (named, digest) = text.split_once('@').map_or((text, None), |(named, digest)| (named, Some(digest)));
        let is_host = |first: &str| {
            first.contains(['.', ':']) || first == "localhost" || first.contains(|c: char| c.is_ascii_uppercase())
        };
        let (host, path) = match named.split_once('/') {
            Some((first, path)) if is_host(first) => (first, path),
            _ => ("docker.io", named),
        };
        let host = if host == "index.docker.io" { "docker.io" } else { host };
        let library = if host == "docker.io" && !path.contains('/') { "library/" } else { "" };
        let repository_length = path.rfind(':').filter(|at| !path[*at..].contains('/')).unwrap_or(path.len());
        let (repository, tag) = path.split_at(repository_length);
        let repository = format!("{host}/{library}{repository}");
        match digest {
            None => {
                let name = format!("{repository}{}", if tag.is_empty() { ":latest" } else { tag });
                Self { archived: name.clone(), name }
            }
            // Not the tag beside it: that may be another image by now, which a document can name as well.
            Some(digest) => Self {
                archived: format!("{repository}:{}", digest.replace(':', "-")),
                name: format!("{repository}@{digest}"),
            },
        }
    }
}

/// What one node runs: kubeadm's images for its role, kube-vip, and those that may be scheduled on it.
#[must_use]
pub fn of_node(cluster: &Cluster<'_>, node: &Node<'_>) -> Vec<Image> {
    let kubernetes = &cluster.document.kubernetes;
    let (repository, facts) = (&kubernetes.image_repository, cluster.facts);
    let of_release = |name: &str| format!("{repository}/{name}:v{}", kubernetes.version.value);
    let dns = if repository == DEFAULT_REPOSITORY { "coredns/coredns" } else { "coredns" };
    let mut names = vec![
        format!("{repository}/pause:{}", facts.pause_tag()),
        format!("{repository}/{dns}:{}", facts.coredns_tag()),
    ];
    if cluster.has_kube_proxy() {
        names.push(of_release("kube-proxy"));
    }
    if node.is_control_plane() {
        names.extend(["kube-apiserver", "kube-controller-manager", "kube-scheduler"].map(of_release));
        let tag = cluster.document.etcd.image_tag.as_deref().unwrap_or(facts.etcd_tag());
        names.push(format!("{repository}/etcd:{tag}"));
        names.push(cluster.kube_vip_image().to_owned());
    }
    let manifests = cluster.document.manifests.iter().flat_map(|manifest| &manifest.images);
    names.extend(manifests.map(|image| image.name.clone()));
    names.extend(cluster.document.software.extra_images.iter().cloned());
    names.extend(cluster.document.containerd.extra_config.as_ref().and_then(sandbox).map(str::to_owned));
    let images: BTreeMap<String, Image> =
        names.iter().map(|name| Image::of(name)).map(|image| (image.name.clone(), image)).collect();
    images.into_values().collect()
}

/// The image of Pods' sandboxes that the document's TOML puts in the place of hagen's. kubeadm wants its own all the same.
fn sandbox(extra_config: &Table) -> Option<&str> {
    extra_config.get("plugins")?.get("io.containerd.grpc.v1.cri")?.get("sandbox_image")?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_containerd() {
        let digest = format!("sha256:{}", "0".repeat(64));
        let dashed = digest.replace(':', "-");
        for (text, name, archived) in [
            ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10", "registry.k8s.io/pause:3.10"),
            ("alpine", "docker.io/library/alpine:latest", "docker.io/library/alpine:latest"),
            ("index.docker.io/alpine:3", "docker.io/library/alpine:3", "docker.io/library/alpine:3"),
            ("flannel/flannel:v1", "docker.io/flannel/flannel:v1", "docker.io/flannel/flannel:v1"),
            ("localhost/a", "localhost/a:latest", "localhost/a:latest"),
            ("Mirror/a:1", "Mirror/a:1", "Mirror/a:1"),
            ("10.9.0.5:5000/a/b", "10.9.0.5:5000/a/b:latest", "10.9.0.5:5000/a/b:latest"),
            ("[fd00::5]:5000/a:1", "[fd00::5]:5000/a:1", "[fd00::5]:5000/a:1"),
            (&format!("quay.io/a/b:v1@{digest}"), &format!("quay.io/a/b@{digest}"), &format!("quay.io/a/b:{dashed}")),
            (
                &format!("b@{digest}"),
                &format!("docker.io/library/b@{digest}"),
                &format!("docker.io/library/b:{dashed}"),
            ),
        ] {
            assert_eq!(Image::of(text), Image { name: name.to_owned(), archived: archived.to_owned() }, "{text}");
        }
    }
}
