//! The only writer: a rendered tree becomes a folder, all of it or none of it.
//!
//! It is written beside the old folder and swapped in with one rename. A folder that hagen did not write, or that holds
//! something that it did not write, is not touched.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use hagen::format::{Entry, Tree};
use rustix::fs::{CWD, RenameFlags, renameat_with};

const MANIFEST: &str = "manifest.json";

/// Writes `tree` as the folder `out`, whose parent must exist.
///
/// # Errors
/// When `out` is not hagen's to replace, or a file cannot be written; then `out` is as it was.
pub fn write(tree: &Tree, out: &Utf8Path) -> anyhow::Result<()> {
    let name = out.file_name().with_context(|| format!("{out} does not name a folder"))?;
    let parent = match out.parent() {
        Some(parent) if !parent.as_str().is_empty() => parent,
        _ => Utf8Path::new("."),
    };
    let replaced = replaceable(out)?;
    let (staged, _lock) = stage(parent, &format!(".{name}.new-")).with_context(|| format!("writing {out}"))?;
    let root = Utf8PathBuf::from_path_buf(staged.path().to_owned())
        .map_err(|path| anyhow::anyhow!("{} is not UTF-8", path.display()))?;
    fs::set_permissions(&root, Permissions::from_mode(0o700)).with_context(|| format!("writing {out}"))?;
    for (path, entry) in tree.iter() {
        write_entry(&root, path, entry).with_context(|| format!("writing {out}/{path}"))?;
    }
    if replaced {
        // What is in `staged` then is the old folder, and goes with it.
        renameat_with(CWD, root.as_std_path(), CWD, out.as_std_path(), RenameFlags::EXCHANGE)
            .with_context(|| format!("swapping in {out}"))?;
    } else {
        fs::rename(staged.keep(), out).with_context(|| format!("moving {out} into place"))?;
    }
    Ok(())
}

/// A new folder, locked as long as this process lives. Those that nobody has locked are of a process that was killed: they
/// hold secrets, and go, unless they are somebody else's.
fn stage(parent: &Utf8Path, prefix: &str) -> io::Result<(tempfile::TempDir, File)> {
    // Between a folder and its lock nobody looks. Where nothing can be locked, nothing is removed.
    let looking = File::open(parent).and_then(|parent| parent.lock().map(|()| parent));
    if looking.is_ok() {
        for entry in parent.read_dir_utf8()? {
            let entry = entry?;
            let is_abandoned = |file: File| file.try_lock().is_ok();
            if entry.file_name().starts_with(prefix) && File::open(entry.path()).is_ok_and(is_abandoned) {
                drop(fs::remove_dir_all(entry.path()));
            }
        }
    }
    let staged = tempfile::Builder::new().prefix(prefix).tempdir_in(parent)?;
    let lock = File::open(staged.path())?;
    drop(lock.lock());
    Ok((staged, lock))
}

fn write_entry(root: &Utf8Path, path: &str, entry: &Entry) -> io::Result<()> {
    let target = root.join(path);
    make_parents(root, path)?;
    match entry {
        Entry::File { content, mode, .. } => {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
            file.write_all(content)?;
            // Not at opening: the umask would have a say.
            file.set_permissions(Permissions::from_mode(*mode))
        }
        Entry::Stream { write, .. } => {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
            let mut file = BufWriter::with_capacity(1 << 20, file);
            write(&mut file)?;
            file.flush()
        }
        Entry::Directory { mode } => {
            fs::create_dir(&target).or_else(ignore_existing)?;
            fs::set_permissions(&target, Permissions::from_mode(*mode))
        }
        Entry::Link { target: points_to } => std::os::unix::fs::symlink(points_to, &target),
    }
}

/// hagen's own folders are 0700; those of a machine's tree 0755, as on the machine.
fn make_parents(root: &Utf8Path, path: &str) -> io::Result<()> {
    let mut folder = root.to_owned();
    let mut mode = 0o700;
    let names: Vec<&str> = path.split('/').collect();
    for name in names.iter().take(names.len() - 1) {
        folder.push(name);
        if *name == "rootfs" {
            mode = 0o755;
        }
        match fs::create_dir(&folder) {
            Ok(()) => fs::set_permissions(&folder, Permissions::from_mode(mode))?,
            Err(error) => ignore_existing(error)?,
        }
    }
    Ok(())
}

fn ignore_existing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

/// Whether there is a folder to replace; an error when it is not hagen's.
fn replaceable(out: &Utf8Path) -> anyhow::Result<bool> {
    match fs::symlink_metadata(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error).with_context(|| format!("looking at {out}")),
        Ok(metadata) if !metadata.is_dir() => bail!("{out} is not a folder; choose another -o"),
        Ok(_) => {}
    }
    let mut present = BTreeSet::new();
    list(out, Utf8Path::new(""), &mut present).with_context(|| format!("looking at {out}"))?;
    if present.is_empty() {
        return Ok(true);
    }
    let known =
        known_files(out).with_context(|| format!("{out} was not written by hagen; choose another -o, or remove it"))?;
    if let Some(foreign) = present.iter().find(|path| !known.contains(*path)) {
        bail!("{out}/{foreign} was not written by hagen and would be lost; move it away, or choose another -o");
    }
    Ok(true)
}

/// The paths in the manifest of an earlier render.
fn known_files(out: &Utf8Path) -> anyhow::Result<BTreeSet<String>> {
    let text = fs::read(out.join(MANIFEST)).context("it has no manifest.json")?;
    let manifest: serde_json::Value = serde_json::from_slice(&text).context("its manifest.json is not hagen's")?;
    if manifest.get("hagen").is_none() {
        bail!("its manifest.json is not hagen's");
    }
    let files = manifest.get("files").and_then(|files| files.as_array()).map_or(&[][..], Vec::as_slice);
    let paths = files.iter().filter_map(|file| file.get("path")?.as_str().map(str::to_owned));
    Ok(paths.chain([MANIFEST.to_owned()]).collect())
}

/// Every file and link below `root`, as paths relative to it.
fn list(root: &Utf8Path, below: &Utf8Path, paths: &mut BTreeSet<String>) -> io::Result<()> {
    for entry in root.join(below).read_dir_utf8()? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            list(root, &path, paths)?;
        } else {
            paths.insert(path.into_string());
        }
    }
    Ok(())
}
