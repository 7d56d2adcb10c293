//! containerd's configuration: a whole file in version 2 of its format, which 1.6 and 1.7 read and 2.x migrates.
//!
//! A cluster comes in, TOML with the document's `containerd.extraConfig` merged over hagen's goes out.

use toml::{Table, Value};

use crate::cluster::Cluster;

/// The configuration cannot be written: a bug.
#[derive(Debug, thiserror::Error)]
#[error("cannot write containerd's configuration: {0}")]
pub struct ContainerdError(#[from] toml::ser::Error);

/// /etc/containerd/config.toml.
///
/// # Errors
/// [`ContainerdError`] when a value has no form in TOML.
pub fn configuration(cluster: &Cluster<'_>) -> Result<String, ContainerdError> {
    let kubernetes = &cluster.document.kubernetes;
    let systemd = kubernetes.kubelet.get("cgroupDriver") != Some(&"cgroupfs".into());
    let pause = format!("{}/pause:{}", kubernetes.image_repository, cluster.facts.pause_tag());
    let table = |entries: Vec<(&str, Value)>| {
        Value::Table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    };
    let runc = table(vec![
        ("runtime_type", "io.containerd.runc.v2".into()),
        ("options", table(vec![("SystemdCgroup", systemd.into())])),
    ]);
    let cri = table(vec![
        ("sandbox_image", pause.into()),
        // Where CNI plug-ins are installed by kubernetes-cni and by every CNI's own installer; Debian says /usr/lib/cni.
        ("cni", table(vec![("bin_dir", "/opt/cni/bin".into()), ("conf_dir", "/etc/cni/net.d".into())])),
        ("registry", table(vec![("config_path", "/etc/containerd/certs.d".into())])),
        // The migration of 2.x gives up where this table is missing.
        ("containerd", table(vec![("runtimes", table(vec![("runc", runc)]))])),
    ]);
    let mut configuration = Table::new();
    configuration.insert("version".to_owned(), 2.into());
    configuration.insert("plugins".to_owned(), table(vec![("io.containerd.grpc.v1.cri", cri)]));
    if let Some(extra) = &cluster.document.containerd.extra_config {
        merge(&mut configuration, extra);
    }
    let text = toml::to_string(&configuration)?;
    Ok(format!("# Written by hagen; containerd.extraConfig of the document is merged over it.\n{text}"))
}

/// Tables are merged key by key, anything else is replaced.
fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_keeps_what_is_not_named() {
        let mut base: Table = "a = 1\n[t]\nb = 2\nc = [3]".parse().unwrap();
        merge(&mut base, &"[t]\nc = [4, 5]\n[t.u]\nd = true".parse().unwrap());
        let expected: Table = "a = 1\n[t]\nb = 2\nc = [4, 5]\n[t.u]\nd = true".parse().unwrap();
        assert_eq!(base, expected);
    }
}
