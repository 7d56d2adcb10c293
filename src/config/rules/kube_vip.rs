//! kube-vip: an image that works, and a lease that it accepts.

use super::Subject;
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::config::schema::Role;

pub(super) fn check(subject: &Subject<'_>) {
    let kube_vip = &subject.draft.endpoint.kube_vip;
    if kube_vip.image.as_deref().and_then(super::images::tag).is_some_and(|tag| matches!(tag, "v1.2.2" | "1.2.2")) {
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
