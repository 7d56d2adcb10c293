//! Times: that certificates live long enough, and not longer than their authority, and that no duration is zero.

use super::Subject;
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::config::values::GoDuration;

/// 30 days.
const SHORTEST: GoDuration = GoDuration::from_secs(720 * 3600);

/// A duration as people write it: `8760h`, not `8760h0m0s`.
fn short(duration: GoDuration) -> String {
    let text = duration.to_string();
    text.strip_suffix("h0m0s").map(|hours| format!("{hours}h")).unwrap_or(text)
}

pub(super) fn check(subject: &Subject<'_>) {
    let pki = &subject.draft.pki;
    let at = |key| subject.at(&["pki", key]);
    let (leaf, authority) = (pki.certificate_validity_period, pki.ca_certificate_validity_period);
    if leaf < SHORTEST {
        subject.push(
            Diagnostic::error(
                Code::CertificatePeriod,
                at("certificateValidityPeriod").span,
                format!("certificates that live {} leave no time to renew them", short(leaf)),
            )
            .help("at least 720h (30 days) are needed; kubeadm's default is 8760h"),
        );
    }
    if leaf > authority {
        let (leaf_place, authority_place) = (at("certificateValidityPeriod"), at("caCertificateValidityPeriod"));
        let place = if leaf_place.node.is_some() { leaf_place } else { authority_place };
        let mut diagnostic = Diagnostic::error(
            Code::CertificatePeriod,
            place.span,
            format!("certificates would live longer ({}) than their authority ({})", short(leaf), short(authority)),
        );
        if leaf_place.node.is_some() && authority_place.node.is_some() {
            diagnostic = diagnostic.also(authority_place.span, "the authority's life");
        }
        subject.push(diagnostic.help("kubeadm's defaults are 8760h for certificates and 87600h for authorities"));
    }

    let zero = |keys: &[&str], duration: GoDuration, help: &str| {
        if duration.is_zero() {
            let message = format!("`{}` is zero", keys.join("."));
            subject.push(Diagnostic::error(Code::ZeroDuration, subject.at(keys).span, message).help(help));
        }
    };
    zero(
        &["bootstrap", "window"],
        subject.draft.bootstrap.window,
        "no bundle could ever start the cluster; the default is 168h",
    );
    let timeouts = &subject.draft.kubernetes.timeouts;
    let all = [
        ("controlPlaneComponentHealthCheck", timeouts.control_plane_component_health_check),
        ("discovery", timeouts.discovery),
        ("etcdAPICall", timeouts.etcd_api_call),
        ("kubeletHealthCheck", timeouts.kubelet_health_check),
        ("kubernetesAPICall", timeouts.kubernetes_api_call),
        ("tlsBootstrap", timeouts.tls_bootstrap),
    ];
    for (key, timeout) in all {
        zero(
            &["kubernetes", "timeouts", key],
            timeout,
            "kubeadm would give up at once; leave it away for hagen's default",
        );
    }
}
