//! The plain tree: a bundle's files in the clear, for review, golden tests and image builds.

use crate::bundle::{Bundle, unit_path};

use super::{Entry, Tree};

/// Adds the bundle below `root`.
pub fn encode(tree: &mut Tree, root: &str, bundle: &Bundle<'_>) {
    let file = |content: &[u8], mode, owner: &str| Entry::File {
        content: content.to_vec(),
        mode,
        owner: Some(owner.to_owned()),
    };
    for directory in &bundle.directories {
        tree.insert(format!("{root}{}", directory.path), Entry::Directory { mode: directory.mode });
    }
    for entry in &bundle.files {
        tree.insert(format!("{root}{}", entry.path), file(&entry.content, entry.mode, &entry.owner));
    }
    for unit in &bundle.units {
        let path = unit_path(unit);
        tree.insert(format!("{root}{path}"), file(unit.content.as_bytes(), 0o644, "root:root"));
        if unit.enabled {
            let link = format!("{root}/etc/systemd/system/multi-user.target.wants/{}", unit.name);
            tree.insert(link, Entry::Link { target: path });
        }
    }
    tree.insert(format!("{root}/etc/hostname"), file(format!("{}\n", bundle.hostname).as_bytes(), 0o644, "root:root"));
}
