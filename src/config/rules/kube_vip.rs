//! kube-vip: an image that works, and a lease that it accepts.

use super::Subject;
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::config::schema::Role;
use crate::config::values::Invalid;

/// Reads an image reference with a tag or a digest.
pub(in crate::config) fn image(text: &str) -> Result<String, Invalid> {
    const RULE: &str = "write registry, name and tag, as in `ghcr.io/kube-vip/kube-vip:v1.2.3`";
    if text.is_empty() || text.chars().any(|c| !c.is_ascii_graphic()) || text.contains("://") {
        return Err(Invalid::new(format!("`{}` is not an image", text.escape_debug()), RULE));
    }
    let named = text.split('@').next().unwrap_or(text);
    let repository = tag(text).map_or(named, |tag| named[..named.len() - tag.len()].trim_end_matches(':'));
    if !super::images::is_repository(repository) {
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
fn tag(image: &str) -> Option<&str> {
    let without_digest = image.split('@').next().unwrap_or(image);
    without_digest.rsplit('/').next().and_then(|name| name.split_once(':')).map(|(_, tag)| tag)
}

pub(super) fn check(subject: &Subject<'_>) {
    let kube_vip = &subject.draft.endpoint.kube_vip;
    if kube_vip.image.as_deref().and_then(tag).is_some_and(|tag| matches!(tag, "v1.2.2" | "1.2.2")) {
        subject.push(
            Diagnostic::error(
                Code::KubeVipDeadlock,
                subject.at(&["endpoint", "kubeVip", "image"]).span,
                "kube-vip v1.2.2 cannot start a cluster",
            )
            .help("use v1.2.3: v1.2.2 waits for the VIP that it should bring up (kube-vip#1654)"),
        );
    }

    interface(subject);
    let at = |key: &str| subject.at(&["endpoint", "kubeVip", "lease", key]);
    let (duration, deadline, retry) = (kube_vip.lease_duration, kube_vip.renew_deadline, kube_vip.retry_period);
    let refuse = |longer: &str, shorter: &str, message: String, help: &str| {
        // The one that the document sets is at fault; when it sets both, the shorter one is.
        let (longer, shorter) = (at(longer), at(shorter));
        let place = if shorter.node.is_some() { shorter } else { longer };
        let mut diagnostic = Diagnostic::error(Code::LeaseOrder, place.span, message).help(help);
        if shorter.node.is_some() && longer.node.is_some() {
            diagnostic = diagnostic.also(longer.span, "must be the longer one");
        }
        subject.push(diagnostic);
    };
    if deadline >= duration {
        let message =
            format!("the lease's renewDeadline of {deadline} s is not shorter than its duration of {duration} s");
        refuse(
            "duration",
            "renewDeadline",
            message,
            "hagen's defaults are duration 15, renewDeadline 10, retryPeriod 2",
        );
    }
    // client-go: renewDeadline > JitterFactor (1.2) * retryPeriod.
    if u64::from(deadline) * 10 <= u64::from(retry) * 12 {
        let message = format!("the lease's retryPeriod of {retry} s is too long for its renewDeadline of {deadline} s");
        refuse("renewDeadline", "retryPeriod", message, "renewDeadline must be more than 1.2 times retryPeriod");
    }
}

/// One name of the interface for all control planes, beside machines that say another: somewhere the VIP would be
/// announced on the wrong network, or on none.
fn interface(subject: &Subject<'_>) {
    let Some(wanted) = &subject.draft.endpoint.kube_vip.interface else { return };
    let place = subject.at(&["endpoint", "kubeVip", "interface"]);
    let planes = subject.draft.nodes.iter().flatten();
    let planes = planes.filter(|node| node.role.is_some_and(|role| role.value == Role::ControlPlane));
    for (node, own) in planes.filter_map(|node| Some((node, node.interface_name()?))) {
        if own.value.as_str() != wanted.as_str() {
            let name = node.name.as_ref().map_or("?", |name| name.value.as_str());
            let message = format!("kube-vip is to use `{}`, but `{name}` has its address on `{}`", wanted, own.value);
            subject.push(
                Diagnostic::warning(Code::KubeVipInterface, place.span, message)
                    .also(own.span, format!("the interface of `{name}`"))
                    .help("leave `endpoint.kubeVip.interface` away: each machine finds the interface with its address"),
            );
        }
    }
}
