//! containerd: what the document's TOML must leave to hagen.

use toml::{Table, Value};

/// What in this table would undo hagen's configuration, and what to write instead.
pub(in crate::config) fn owned(table: &Table) -> Option<(&'static str, &'static str)> {
    const HELP: &str =
        "hagen writes version 2, which containerd 1.7 reads and 2.x migrates: use `io.containerd.grpc.v1.cri`";
    if table.contains_key("version") {
        return Some(("the version of containerd's configuration is hagen's to write", HELP));
    }
    let plugins = table.get("plugins").and_then(Value::as_table)?;
    let newer = plugins.keys().any(|name| name.starts_with("io.containerd.cri.v1."));
    newer.then_some(("tables of containerd's configuration version 3 mean nothing in version 2", HELP))
}
