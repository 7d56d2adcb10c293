//! The binary: exit codes, what it writes where with which modes, and what it refuses.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

const DOCUMENT: &str = include_str!("../examples/ha.yaml");
const SECRETS: &str = include_str!("golden/three/cluster.secrets.yaml");

/// A folder with a document and its secrets.
struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(site.path("ha.yaml"), DOCUMENT).unwrap();
        fs::write(site.path("ha.secrets.yaml"), SECRETS).unwrap();
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn hagen(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).output().unwrap()
    }

    fn command(&self) -> Command {
        let mut command = Command::cargo_bin("hagen").unwrap();
        command.current_dir(self.folder.path());
        command
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn contents(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_owned();
    files(root).into_iter().map(|path| (name(&path), fs::read(&path).unwrap_or_default())).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn render_writes_every_file_with_its_mode() {
    let site = Site::new();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut expected = vec!["kubeconfig".to_owned(), "manifest.json".to_owned()];
    for node in ["cp1", "cp2", "cp3", "w1"] {
        for file in ["user-data", "meta-data", "network-config", "vendor-data"] {
            expected.push(format!("nodes/{node}/{file}"));
        }
        assert_eq!(mode(&site.path(&format!("out/nodes/{node}"))), 0o700);
    }
    expected.sort();
    let found: Vec<String> =
        contents(&site.path("out")).into_iter().map(|(path, _)| path.to_str().unwrap().to_owned()).collect();
    assert_eq!(found, expected);
    for file in files(&site.path("out")) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert_eq!(mode(&site.path("out")), 0o700);
    assert_eq!(mode(&site.path("out/nodes")), 0o700);
}

#[test]
fn first_render_makes_a_secrets_file_and_says_so() {
    let site = Site::new();
    fs::remove_file(site.path("ha.secrets.yaml")).unwrap();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("made ha.secrets.yaml"), "{}", text(&output.stderr));
    assert_eq!(mode(&site.path("ha.secrets.yaml")), 0o600);
    let first = contents(&site.path("out"));
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out"]).status.code(), Some(0));
    assert_eq!(contents(&site.path("out")), first, "the second render used the same secrets");
}

#[test]
fn locked_forbids_making_secrets() {
    let site = Site::new();
    fs::remove_file(site.path("ha.secrets.yaml")).unwrap();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out", "--locked"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--locked"), "{}", text(&output.stderr));
    assert!(!site.path("ha.secrets.yaml").exists() && !site.path("out").exists());
}

#[test]
fn secrets_come_from_standard_input() {
    let site = Site::new();
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out"]).status.code(), Some(0));
    let expected = contents(&site.path("out"));
    fs::remove_file(site.path("ha.secrets.yaml")).unwrap();
    let output = site
        .command()
        .args(["render", "ha.yaml", "-o", "other", "--secrets", "-"])
        .write_stdin(SECRETS)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(contents(&site.path("other")), expected);
    assert!(!site.path("ha.secrets.yaml").exists());
}

/// Point 2 of "A bundle that boots".
#[test]
fn surroundings_do_not_change_bytes() {
    let site = Site::new();
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out", "--tree"]).status.code(), Some(0));
    let expected = contents(&site.path("out"));
    let elsewhere = tempfile::tempdir().unwrap();
    let document = site.path("ha.yaml");
    let other = site.path("other");
    let output = Command::cargo_bin("hagen")
        .unwrap()
        .current_dir(elsewhere.path())
        .env_clear()
        .envs([("TZ", "Asia/Kathmandu"), ("LC_ALL", "tr_TR.UTF-8"), ("LANG", "de_DE"), ("RAYON_NUM_THREADS", "1")])
        .args(["render", document.to_str().unwrap(), "-o", other.to_str().unwrap(), "--tree"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(contents(&other), expected);
}

#[test]
fn wrong_document_writes_nothing() {
    let site = Site::new();
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out"]).status.code(), Some(0));
    let before = contents(&site.path("out"));
    fs::write(site.path("ha.yaml"), DOCUMENT.replace("10.9.0.12/24", "10.9.0.11/24").replace("vip", "vpi")).unwrap();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for word in ["ha.yaml:", "vpi", "10.9.0.11", "nothing was written"] {
        assert!(said.contains(word), "{word} is not in {said}");
    }
    assert_eq!(contents(&site.path("out")), before);
    fs::remove_file(site.path("ha.secrets.yaml")).unwrap();
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out"]).status.code(), Some(1));
    assert!(!site.path("ha.secrets.yaml").exists(), "a wrong document makes no secrets");
}

#[test]
fn folders_of_others_are_not_replaced() {
    let site = Site::new();
    fs::create_dir(site.path("mine")).unwrap();
    fs::write(site.path("mine/thesis.txt"), "years of work").unwrap();
    let output = site.hagen(&["render", "ha.yaml", "-o", "mine"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("was not written by hagen"), "{}", text(&output.stderr));

    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out"]).status.code(), Some(0));
    fs::write(site.path("out/nodes/notes.txt"), "a note").unwrap();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("out/nodes/notes.txt"), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(site.path("mine/thesis.txt")).unwrap(), "years of work");

    // An empty folder is nobody's.
    fs::create_dir(site.path("empty")).unwrap();
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "empty"]).status.code(), Some(0));
    let left: Vec<_> = fs::read_dir(site.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_str().unwrap().starts_with('.')), "left behind: {left:?}");
}

#[test]
fn removed_nodes_leave_the_folder() {
    let site = Site::new();
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out"]).status.code(), Some(0));
    let without: String =
        DOCUMENT.lines().filter(|line| !line.contains("w1")).map(|line| format!("{line}\n")).collect();
    fs::write(site.path("ha.yaml"), without).unwrap();
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out"]).status.code(), Some(0));
    assert!(!site.path("out/nodes/w1").exists() && site.path("out/nodes/cp1").exists());
}

#[test]
fn json_is_the_manifest_and_quiet_is_quiet() {
    let site = Site::new();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out", "--json"]);
    assert_eq!(output.stdout, fs::read(site.path("out/manifest.json")).unwrap());
    let manifest: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let listed = manifest["files"].as_array().unwrap().len();
    assert_eq!(listed, files(&site.path("out")).len() - 1, "every file but itself");
    let output = site.hagen(&["render", "ha.yaml", "-o", "out", "-q"]);
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
}

#[test]
fn expiring_certificates_are_a_warning_that_changes_no_byte() {
    let site = Site::new();
    fs::write(site.path("ha.secrets.yaml"), SECRETS.replace("2026-11-01", "2020-11-01")).unwrap();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("hagen secrets renew"), "{}", text(&output.stderr));

    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "strict", "--strict"]).status.code(), Some(1));
    assert!(!site.path("strict").exists());

    assert_eq!(site.hagen(&["secrets", "renew", "ha.secrets.yaml"]).status.code(), Some(0));
    assert_eq!(mode(&site.path("ha.secrets.yaml")), 0o600);
    let ca = |out: &str| {
        let text = fs::read_to_string(site.path(out).join("nodes/cp1/rootfs/etc/kubernetes/pki/ca.key")).unwrap();
        (text, fs::read(site.path(out).join("nodes/cp1/rootfs/etc/kubernetes/pki/apiserver.crt")).unwrap())
    };
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "new", "--tree"]).status.code(), Some(0));
    fs::write(site.path("ha.secrets.yaml"), SECRETS).unwrap();
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out", "--tree"]).status.code(), Some(0));
    assert_eq!(ca("out").0, ca("new").0, "the same authority");
    assert_ne!(ca("out").1, ca("new").1, "new leaves");
}

#[test]
fn wrong_usage_and_missing_files_have_their_codes() {
    let site = Site::new();
    assert_eq!(site.hagen(&["render"]).status.code(), Some(2));
    assert_eq!(site.hagen(&["render", "absent.yaml", "-o", "out"]).status.code(), Some(1));
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "no/such/parent"]).status.code(), Some(3));
    fs::write(site.path("ha.secrets.yaml"), "version: 1\nseed: \"c2VjcmV0IHNlZWQ=\"\nissuedAt: x\n").unwrap();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stderr).contains("c2VjcmV0"), "the seed is in {}", text(&output.stderr));
}

#[test]
fn help_fits_80_columns() {
    let site = Site::new();
    for arguments in [&["--help"][..], &["render", "--help"], &["secrets", "--help"], &["secrets", "renew", "--help"]] {
        let output = site.hagen(arguments);
        assert_eq!(output.status.code(), Some(0));
        for line in text(&output.stdout).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
