//! Which Kubernetes versions hagen can make a cluster of.

use super::Subject;
use crate::config::catalogue::Code;
use crate::config::diagnostics::Diagnostic;
use crate::config::schema::ProxyMode;
use crate::config::values::KubernetesVersion;
use crate::kubernetes::versions::{Facts, KNOWN_MINORS};

/// kubeadm's v1beta4 begins here (kubernetes#125029).
const OLDEST_MINOR: u32 = 31;

pub(super) fn check(subject: &Subject<'_>) {
    known(subject);
    proxy_mode(subject);
    images(subject);
}

/// Tags of images that only kubeadm's sources say, where nobody can pull what a payload lacks.
fn images(subject: &Subject<'_>) {
    let Some(version) = &subject.draft.version else { return };
    let KubernetesVersion { minor, patch, .. } = version.value;
    if subject.draft.software.loads_images
        && let Some(newest) = Facts::of(minor, patch).newer_than()
    {
        let message =
            format!("hagen has not seen Kubernetes {}; it lists the images of 1.{minor}.{newest}", version.value);
        subject.push(Diagnostic::warning(Code::UnseenPatch, version.span, message).help(
            "compare `hagen images` with `kubeadm config images list`, and name what differs (`etcd.imageTag`, `software.extraImages`)",
        ));
    }
}

fn proxy_mode(subject: &Subject<'_>) {
    let Some(version) = &subject.draft.version else { return };
    let KubernetesVersion { minor, patch, .. } = version.value;
    if subject.draft.kubernetes.proxy.mode == ProxyMode::Ipvs && Facts::of(minor, patch).ipvs_is_deprecated() {
        let place = subject.at(&["kubernetes", "proxy", "mode"]);
        let message = format!("kube-proxy's mode ipvs is deprecated in Kubernetes 1.{minor}");
        subject.push(
            Diagnostic::warning(Code::DeprecatedProxyMode, place.span, message)
                .help("kube-proxy recommends `nftables`; `iptables` is the default"),
        );
    }
}

fn known(subject: &Subject<'_>) {
    let Some(version) = &subject.draft.version else { return };
    let KubernetesVersion { major, minor, .. } = version.value;
    if major < 1 || (major == 1 && minor < OLDEST_MINOR) {
        let message = format!("Kubernetes {} is too old", version.value);
        subject.push(
            Diagnostic::error(Code::VersionTooOld, version.span, message)
                .help(format!("hagen writes kubeadm's v1beta4 configuration, which begins with 1.{OLDEST_MINOR}")),
        );
        return;
    }
    if major != 1 || !KNOWN_MINORS.contains(&minor) {
        let message = format!("hagen does not know Kubernetes {major}.{minor}");
        let known = format!("it was run with 1.{} to 1.{}", KNOWN_MINORS.start(), KNOWN_MINORS.end());
        subject.push(if subject.options.allow_untested {
            Diagnostic::warning(Code::UnknownVersion, version.span, message).help(known)
        } else {
            Diagnostic::error(Code::UnknownVersion, version.span, message)
                .help(format!("{known}; `--allow-untested` takes the risk"))
        });
    }
}
