//! Names of images, by the grammar of distribution/reference, which kubeadm and containerd check them with.

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
