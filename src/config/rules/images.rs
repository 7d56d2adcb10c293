//! Names of images, by the grammar of distribution/reference, which kubeadm and containerd check them with; and which
//! ones a manifest names.

use crate::config::schema::ManifestImage;
use crate::config::tree::{Kind, Node};
use crate::config::values::Invalid;

/// Reads an image reference with a tag or a digest.
pub(in crate::config) fn image(text: &str) -> Result<String, Invalid> {
    const RULE: &str = "write registry, name and tag, as in `ghcr.io/kube-vip/kube-vip:v1.2.3`";
    if text.is_empty() || text.chars().any(|c| !c.is_ascii_graphic()) || text.contains("://") {
        return Err(Invalid::new(format!("`{}` is not an image", text.escape_debug()), RULE));
    }
    let named = text.split('@').next().unwrap_or(text);
    let repository = tag(text).map_or(named, |tag| named[..named.len() - tag.len()].trim_end_matches(':'));
    if !is_repository(repository) {
        return Err(Invalid::new(format!("`{text}` is not an image"), RULE));
    }
    match (tag(text), text.contains('@')) {
        (Some(""), _) => Err(Invalid::new(format!("image `{text}` has an empty tag"), RULE)),
        (None, false) => Err(Invalid::new(format!("image `{text}` has no tag, so it would be `latest`"), RULE)),
        (Some("latest"), false) => Err(Invalid::new("tag `latest` is another image every day", RULE)),
        _ => Ok(text.to_owned()),
    }
}

/// The tag of an image reference.
pub(super) fn tag(image: &str) -> Option<&str> {
    let without_digest = image.split('@').next().unwrap_or(image);
    without_digest.rsplit('/').next().and_then(|name| name.split_once(':')).map(|(_, tag)| tag)
}

/// The images in an object of Kubernetes: of containers, wherever in it Pods are described, and of volumes.
pub(in crate::config) fn of_manifest(object: &Node) -> Vec<ManifestImage> {
    let mut images = Vec::new();
    gather(object, &mut images);
    images
}

fn gather(node: &Node, images: &mut Vec<ManifestImage>) {
    let entries = match &node.kind {
        Kind::Mapping(entries) => entries,
        Kind::Sequence(items) => return items.iter().for_each(|item| gather(item, images)),
        Kind::Scalar { .. } => return,
    };
    for (key, value) in entries {
        if let Kind::Sequence(items) = &value.kind {
            let item = |item: &Node| match key.text.as_str() {
                "containers" | "initContainers" | "ephemeralContainers" => named(item, "image", "imagePullPolicy"),
                "volumes" => named(item.entry("image")?.1, "reference", "pullPolicy"),
                _ => None,
            };
            images.extend(items.iter().filter_map(item));
        }
        gather(value, images);
    }
}

/// The image that an object names with `key`.
fn named(object: &Node, key: &str, policy: &str) -> Option<ManifestImage> {
    let (_, value) = object.entry(key)?;
    let name = value.text().filter(|name| !name.is_empty())?.to_owned();
    let is_always_pulled = match object.entry(policy).and_then(|(_, value)| value.text()) {
        Some(policy) => policy == "Always",
        // The API server's default (`SetDefaults_Container`).
        None => !name.contains('@') && tag(&name).is_none_or(|tag| tag == "latest"),
    };
    Some(ManifestImage { name, is_always_pulled, span: value.span })
}

/// Whether this is a repository: a path, with a host before it that may have a port.
pub(in crate::config) fn is_repository(text: &str) -> bool {
    let (first, rest) = match text.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (text, None),
    };
    // A first part with a sign that paths do not have is a host; `registry.k8s.io` alone is both.
    match rest {
        Some(rest) => (is_host(first) || is_component(first)) && rest.split('/').all(is_component),
        None => is_host(first) || is_component(first),
    }
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("", rest.strip_prefix(':').map(Some).unwrap_or((!rest.is_empty()).then_some("")))
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let good_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port));
    let label = |label: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        edge(label.chars().next())
            && edge(label.chars().last())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    good_port && (text.starts_with('[') || host.split('.').all(label))
}

/// Lower-case letters and digits, joined by `.`, `_`, `__` or any number of `-`.
fn is_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let good = |c: char| alphanumeric(c) || matches!(c, '.' | '_' | '-');
    let mut separators = text.split(alphanumeric).filter(|part| !part.is_empty());
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && text.chars().all(good)
        && separators.all(|part| matches!(part, "." | "_" | "__") || part.chars().all(|c| c == '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_those_of_the_grammar() {
        for good in [
            "registry.k8s.io",
            "10.9.0.5:5000/k8s",
            "[fd00::5]:5000/k8s/mirror",
            "Registry.local/k8s",
            "localhost/a__b/c--d",
            "k8s",
        ] {
            assert!(is_repository(good), "{good}");
        }
        for bad in
            ["registry.local/k8s:v1", "Registry.local//k8s", "a/B", "a/b.", "a/b..c", "[fd00::5/k8s", "a:x/b", ""]
        {
            assert!(!is_repository(bad), "{bad}");
        }
    }
}
