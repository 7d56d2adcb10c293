//! `iso`: nodes/NAME/seed.iso, a CD for each machine. cloud-init finds it by its label, and so does Ignition on Proxmox.

use super::{MediaError, Medium, Site, iso9660};
use crate::format::Tree;

/// The medium.
pub const MEDIUM: Medium = Medium { name: "iso", write };

/// Of NoCloud (cloud-init's `DataSourceNoCloud`) and of Ignition's provider `proxmoxve`, which knows it in lower case only.
pub(super) const LABEL: &str = "cidata";

fn write(site: &Site<'_>, tree: &mut Tree) -> Result<(), MediaError> {
    for machine in &site.machines {
        let path = format!("nodes/{}/seed.iso", machine.node.name());
        if tree.content(&path).is_some() {
            // Other media bring these CDs, too.
            continue;
        }
        let files: Vec<_> = machine.seed.iter().map(|(name, content)| (*name, 0o400, content.as_slice())).collect();
        let image = iso9660::to_bytes(LABEL, 0o500, &files)?;
        tree.add(path, image);
    }
    Ok(())
}
