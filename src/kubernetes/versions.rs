//! What differs between releases of Kubernetes, in one place and as questions. Nowhere else is a version compared.
//!
//! A minor and a patch number come in, [`Facts`] go out. Sources are files of `k8s.io/kubernetes` at that tag,
//! below `cmd/kubeadm/app` unless said otherwise; read for 1.34.4, 1.34.9, 1.35.4, 1.35.6, 1.36.3 and 1.37.0.

use std::ops::RangeInclusive;

/// The minor versions that hagen was written for; others need `--allow-untested`.
pub const KNOWN_MINORS: RangeInclusive<u32> = 34..=37;

/// What is true of one release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    minor: u32,
    patch: u32,
}

impl Facts {
    /// The facts of 1.`minor`.`patch`. A minor outside [`KNOWN_MINORS`] gets those of the nearest known one.
    #[must_use]
    pub fn of(minor: u32, patch: u32) -> Self {
        Self { minor, patch }
    }

    /// The newest patch release of this minor whose sources were read for the tags below, where this one is newer.
    #[must_use]
    pub fn newer_than(self) -> Option<u32> {
        let newest = match self.minor {
            34 => 11,
            35 => 8,
            36 => 5,
            37 => 2,
            _ => return None,
        };
        (self.patch > newest).then_some(newest)
    }

    /// The organization in the subject of apiserver-kubelet-client.crt. Releases since May 2026 give it none and bind
    /// its user instead (kubernetes#138957: 1.34.8, 1.35.5, 1.36.1 and all of 1.37; `phases/certs/certlist.go`).
    #[must_use]
    pub fn kubelet_client_organization(self) -> Option<&'static str> {
        let bound_to_the_user = match self.minor {
            ..34 => false,
            34 => self.patch >= 8,
            35 => self.patch >= 5,
            36 => self.patch >= 1,
            37.. => true,
        };
        (!bound_to_the_user).then_some("kubeadm:cluster-admins")
    }

    /// Whether kubeadm mounts the folder of FlexVolume drivers into the controller manager's Pod, and makes it
    /// (kubernetes#136423: no longer in 1.36; `phases/controlplane/volumes.go`).
    #[must_use]
    pub fn mounts_flex_volumes(self) -> bool {
        self.minor < 36
    }

    /// The tag of `pause` that kubeadm pulls and containerd is to use as the sandbox (`constants/constants.go`,
    /// `PauseVersion`).
    #[must_use]
    pub fn pause_tag(self) -> &'static str {
        if self.minor >= 36 { "3.10.2" } else { "3.10.1" }
    }

    /// The tag of `etcd` that kubeadm picks by itself (`constants/constants.go`, `SupportedEtcdVersion`; read for every
    /// patch release until November 2026).
    #[must_use]
    pub fn etcd_tag(self) -> &'static str {
        match self.minor {
            ..=34 if self.patch < 2 => "3.6.4-0",
            ..=34 => "3.6.5-0",
            35 => "3.6.6-0",
            36 => "3.6.8-0",
            37.. => "3.7.0-0",
        }
    }

    /// The tag of `coredns/coredns` (`constants/constants.go`, `CoreDNSVersion`).
    #[must_use]
    pub fn coredns_tag(self) -> &'static str {
        match self.minor {
            ..=34 => "v1.12.1",
            35 => "v1.13.1",
            36 => "v1.14.2",
            37.. => "v1.14.6",
        }
    }

    /// Whether kube-proxy announces that its mode ipvs will go (`cmd/kube-proxy/app/server_linux.go` of 1.35.8 and 1.36.3;
    /// not in 1.34.10).
    #[must_use]
    pub fn ipvs_is_deprecated(self) -> bool {
        self.minor >= 35
    }

    /// The oldest major version of containerd that the kubelet works with. Without the CRI call RuntimeConfig, which
    /// containerd has since 2.0, 1.34 to 1.37 warn and fall back (`preflight/checks.go`, `cmd/kubelet/app/server.go`);
    /// the fallback was to go in 1.36, was deferred twice, and is announced to go in 1.38 (kubernetes#139121).
    #[must_use]
    pub fn containerd_major(self) -> u32 {
        if self.minor >= 38 { 2 } else { 1 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organization_of_the_kubelet_client_follows_the_patch_release() {
        for (minor, patch, bound) in
            [(34, 7, false), (34, 8, true), (35, 4, false), (35, 5, true), (36, 0, false), (36, 1, true), (37, 0, true)]
        {
            assert_eq!(Facts::of(minor, patch).kubelet_client_organization().is_none(), bound, "1.{minor}.{patch}");
        }
    }
}
