//! Golden trees: everything that is rendered for one, three and five control planes, and for every operating system, byte
//! for byte. They prove that nothing changed, not that it works. `HAGEN_BLESS=1 cargo test --test golden` writes them
//! anew; read the diff.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hagen::format::Entry;
use hagen::secrets::Secrets;

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = fs::read_to_string(folder.join("cluster.yaml")).unwrap();
    let secrets = Secrets::parse(&fs::read_to_string(folder.join("cluster.secrets.yaml")).unwrap()).unwrap();
    let rendered = support::render_text(&text, &folder, &secrets);
    let new: BTreeMap<PathBuf, Vec<u8>> = rendered
        .tree
        .iter()
        .filter_map(|(path, entry)| match entry {
            Entry::File { content, .. } => Some((PathBuf::from(path), content.clone())),
            // Their modes and targets are in manifest.json.
            Entry::Directory { .. } | Entry::Link { .. } | Entry::Stream { .. } => None,
        })
        .collect();

    let out = folder.join("out");
    #[expect(clippy::disallowed_methods, reason = "a test may")]
    let bless = std::env::var_os("HAGEN_BLESS").is_some();
    if bless {
        let _ = fs::remove_dir_all(&out);
        for (path, content) in &new {
            let path = out.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
    let mut old = BTreeMap::new();
    read(&out, &out, &mut old);
    let changed: Vec<_> = old.keys().chain(new.keys()).filter(|path| old.get(*path) != new.get(*path)).collect();
    assert!(
        changed.is_empty(),
        "not as in tests/golden/{name}/out: {changed:#?}\nIf that is meant: HAGEN_BLESS=1 cargo test --test golden, and read the diff"
    );
}

fn read(root: &Path, folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, files);
        } else {
            files.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
        }
    }
}

#[test]
fn one_control_plane() {
    check("one");
}

#[test]
fn three_control_planes() {
    check("three");
}

#[test]
fn five_control_planes() {
    check("five");
}

#[test]
fn operating_systems() {
    check("systems");
}
