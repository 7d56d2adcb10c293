//! Labels, role labels and taints: what a kubelet may register with.

use super::Subject;
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::config::values::{Invalid, LabelKey};

/// Labels of Kubernetes' own that a kubelet may give itself
/// (`k8s.io/kubelet/pkg/apis/well_known_labels.go`; the same list is NodeRestriction's).
const KUBELET_LABELS: &[&str] = &[
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kubernetes.io/arch",
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "node.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
];
/// Prefixes, with everything below them, under which it may use any name.
const KUBELET_PREFIXES: &[&str] = &["kubelet.kubernetes.io", "node.kubernetes.io"];

/// Roles that mean something to Kubernetes itself.
const RESERVED_ROLES: &[&str] = &["control-plane", "master", "etcd"];
/// `role.` and the role are the name of a label.
const ROLE_LIMIT: usize = 63 - "role.".len();

/// Reads the `<role>` of `node-role.kubernetes.io/<role>`.
pub(in crate::config) fn role(text: &str) -> Result<LabelKey, Invalid> {
    if let Some(role) = text.strip_prefix("node-role.kubernetes.io/") {
        return Err(Invalid::new(format!("`{text}` is the whole label"), format!("write the role alone: `{role}`")));
    }
    if text.contains('/') {
        return Err(Invalid::new(format!("role `{text}` contains a slash"), "write one word, as in `gpu`"));
    }
    if RESERVED_ROLES.contains(&text) {
        return Err(Invalid::new(
            format!("role `{text}` has a meaning of its own in Kubernetes"),
            "a worker cannot have it; choose another word, as in `storage`",
        ));
    }
    if text.len() > ROLE_LIMIT {
        return Err(Invalid::new(
            format!("role `{text}` has {} characters", text.chars().count()),
            format!("at most {ROLE_LIMIT} are allowed: it travels as the label `hagen.io/role.<role>`"),
        ));
    }
    text.parse()
}

/// Whether a prefix is a domain or one below it.
fn below(prefix: &str, domain: &str) -> bool {
    prefix.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

pub(super) fn check(subject: &Subject<'_>) {
    for (node, place) in subject.nodes() {
        for label in node.labels.keys() {
            let Some(prefix) = label.prefix() else { continue };
            let ours = below(prefix, "hagen.io");
            let theirs = below(prefix, "kubernetes.io") || below(prefix, "k8s.io");
            let allowed =
                KUBELET_LABELS.contains(&label.as_str()) || KUBELET_PREFIXES.iter().any(|domain| below(prefix, domain));
            if !ours && (!theirs || allowed) {
                continue;
            }
            let span = place.key("labels").key(label.as_str()).key;
            let help = if prefix == "node-role.kubernetes.io" {
                format!("write `roles: [{}]`: a control plane sets the label then", label.name())
            } else if ours {
                "labels under hagen.io are hagen's own; `roles` makes role labels".to_owned()
            } else {
                format!("use a prefix of your own, as in `example.com/{}`", label.name())
            };
            let message = format!("a kubelet must not give itself the label `{label}`");
            subject.push(Diagnostic::error(Code::ForbiddenLabel, span, message).help(help));
        }
        let taints = node.taints.as_deref().unwrap_or_default();
        for (index, taint) in taints.iter().enumerate() {
            if taints[..index].iter().any(|other| other.key == taint.key && other.effect == taint.effect) {
                let message = format!("two taints `{}` have the same effect", taint.key);
                subject.push(
                    Diagnostic::error(Code::DuplicateTaint, place.key("taints").key, message)
                        .help("Kubernetes wants each pair of key and effect once"),
                );
            }
        }
    }
}
