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

    /// `hagen check` within 200 MB of address space.
    #[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
    fn bounded(&self, name: &str, document: &str) -> Output {
        let start = std::time::Instant::now();
        let hagen = env!("CARGO_BIN_EXE_hagen");
        let script = "ulimit -v 204800; exec \"$0\" check \"$1\"";
        let output =
            Command::new("sh").args(["-c", script, hagen, document]).current_dir(self.folder.path()).output().unwrap();
        println!("{name}: {} ms", start.elapsed().as_millis());
        output
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
fn what_a_killed_render_left_is_removed_by_the_next() {
    let site = Site::new();
    for folder in [".out.new-killed", ".out.new-living", ".outer.new-killed"] {
        fs::create_dir_all(site.path(folder).join("nodes")).unwrap();
        fs::write(site.path(folder).join("nodes/secret"), "secret").unwrap();
    }
    let living = fs::File::open(site.path(".out.new-living")).unwrap();
    living.lock().unwrap();
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out"]).status.code(), Some(0));
    let mut hidden: Vec<_> = fs::read_dir(site.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".new-"))
        .collect();
    hidden.sort();
    assert_eq!(hidden, [".out.new-living", ".outer.new-killed"]);
}

#[test]
fn a_payload_is_for_one_kind_of_processor() {
    let site = Site::new();
    fs::create_dir_all(site.path("payload/packages")).unwrap();
    let stanza = |name: &str, architecture: &str| {
        format!("Package: {name}\nVersion: 1\nArchitecture: {architecture}\nFilename: {name}.deb\nSHA256: 0\n\n")
    };
    let packages = [("all", "all"), ("kubeadm", "amd64"), ("kubelet", "arm64")].map(|(name, own)| stanza(name, own));
    fs::write(site.path("payload/packages/Packages"), packages.concat()).unwrap();
    fs::write(site.path("ha.yaml"), format!("{DOCUMENT}\nsoftware: {{source: payload, images: registry}}\n")).unwrap();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out", "--payload", "payload"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    let expected = "error[HAGEN148]: packages/Packages lists kubelet.deb for arm64, and others are for amd64\n";
    assert!(said.contains(expected), "{said}");
    assert!(!site.path("out").exists());
}

#[test]
fn a_wrong_payload_writes_nothing() {
    let site = Site::new();
    fs::create_dir_all(site.path("payload/images")).unwrap();
    fs::write(site.path("payload/images/etcd.tar"), "no tar file").unwrap();
    fs::write(site.path("ha.yaml"), format!("{DOCUMENT}\nsoftware: {{images: payload}}\n")).unwrap();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out", "--payload", "payload"]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for expected in
        ["error[HAGEN116]: no archive below payload/images holds registry.k8s.io/etcd:", "error[HAGEN117]: "]
    {
        assert!(said.contains(expected), "{said}");
    }
    assert!(said.ends_with("nothing was written\n"), "{said}");
    assert!(!site.path("out").exists());
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
    assert_eq!(site.hagen(&["render", "absent.yaml", "-o", "out"]).status.code(), Some(3));
    assert_eq!(site.hagen(&["check", "absent.yaml"]).status.code(), Some(3));
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "no/such/parent"]).status.code(), Some(3));
    fs::write(site.path("ha.secrets.yaml"), "version: 1\nseed: \"c2VjcmV0IHNlZWQ=\"\nissuedAt: x\n").unwrap();
    let output = site.hagen(&["render", "ha.yaml", "-o", "out"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!text(&output.stderr).contains("c2VjcmV0"), "the seed is in {}", text(&output.stderr));
}

#[test]
fn check_says_everything_and_writes_nothing() {
    let site = Site::new();
    let before = files(site.folder.path());
    let output = site.hagen(&["check", "ha.yaml"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
    assert_eq!(text(&output.stdout), "homelab: Kubernetes 1.36.3, 3 control planes, 1 worker\n");

    fs::write(site.path("ha.yaml"), DOCUMENT.replace("10.9.0.12/24", "10.9.0.11/24").replace("vip", "vpi")).unwrap();
    let output = site.hagen(&["check", "ha.yaml"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    let said = text(&output.stderr);
    assert!(said.ends_with("error: 3 errors in ha.yaml\n"), "{said}");

    let output = site.hagen(&["check", "ha.yaml", "--json"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), String::new()));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["errors"], &said["warnings"]), (&3.into(), &0.into()));
    let unknown = said["diagnostics"].as_array().unwrap().iter().find(|one| one["code"] == "HAGEN010").unwrap();
    assert_eq!(unknown["file"], "ha.yaml");
    assert_eq!(unknown["start"], serde_json::json!({"line": 4, "column": 12, "offset": DOCUMENT.find("vip").unwrap()}));
    assert_eq!(unknown["end"]["column"], 15);
    assert_eq!(files(site.folder.path()), before);
}

#[test]
fn strict_makes_errors_of_warnings() {
    let site = Site::new();
    fs::write(site.path("ha.yaml"), DOCUMENT.replace("1.36.3}", "1.36.3, proxy: {mode: ipvs}}")).unwrap();
    let output = site.hagen(&["check", "ha.yaml"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).starts_with("warning[HAGEN075]"), "{}", text(&output.stderr));
    let output = site.hagen(&["check", "ha.yaml", "--strict"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error[HAGEN075]"), "{}", text(&output.stderr));
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out", "--strict"]).status.code(), Some(1));
    assert!(!site.path("out").exists());
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out"]).status.code(), Some(0));
}

#[test]
fn init_writes_a_document_that_is_good_and_never_overwrites() {
    let site = Site::new();
    for (planes, workers) in [("1", "0"), ("3", "1"), ("5", "200"), ("7", "2")] {
        let name = format!("{planes}-{workers}.yaml");
        let output = site.hagen(&["init", &name, "--control-planes", planes, "--workers", workers, "--name", "lab"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let output = site.hagen(&["check", &name, "--strict"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let planes = format!("{planes} control plane");
        assert!(text(&output.stdout).contains(&planes), "{}", text(&output.stdout));
    }
    let output = site.hagen(&["init", "ha.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(site.path("ha.yaml")).unwrap(), DOCUMENT);
    assert_eq!(site.hagen(&["init", "new.yaml", "--control-planes", "4"]).status.code(), Some(2));
    assert_eq!(site.hagen(&["init", "new.yaml", "--name", "No_Name"]).status.code(), Some(2));
    assert!(!site.path("new.yaml").exists());
}

/// What `init` shows as a comment is no mistake either.
#[test]
fn comments_of_init_are_a_good_document() {
    let site = Site::new();
    assert_eq!(site.hagen(&["init", "new.yaml"]).status.code(), Some(0));
    let mut shown = 0;
    let mut lines = Vec::new();
    for line in fs::read_to_string(site.path("new.yaml")).unwrap().lines() {
        let key = line.trim_start().strip_prefix("# ").and_then(|rest| rest.split_once(": "));
        match key {
            // Files and keys that are not there.
            Some(("manifests" | "users", _)) => {}
            Some((key, _)) if key.chars().all(char::is_alphanumeric) => {
                shown += 1;
                lines.push(line.replacen("# ", "", 1));
            }
            _ => lines.push(line.to_owned()),
        }
    }
    assert!(shown >= 8, "only {shown} comments were tried");
    fs::write(site.path("shown.yaml"), lines.join("\n")).unwrap();
    let output = site.hagen(&["check", "shown.yaml", "--strict"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn an_overlay_is_rendered_and_its_mistakes_are_its_own() {
    let site = Site::new();
    fs::create_dir(site.path("site")).unwrap();
    fs::write(site.path("site/a.yaml"), "endpoint: {port: 8443}\nfiles: [{path: /etc/motd, source: motd}]\n").unwrap();
    fs::write(site.path("site/motd"), "beside the overlay\n").unwrap();
    let output =
        site.hagen(&["render", "ha.yaml", "site/a.yaml", "-o", "out", "--tree", "--secrets", "ha.secrets.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let node = site.path("out/nodes/w1/rootfs");
    assert_eq!(fs::read_to_string(node.join("etc/motd")).unwrap(), "beside the overlay\n");
    assert!(fs::read_to_string(node.join("etc/hagen/node.env")).unwrap().contains("8443"));

    fs::write(site.path("site/a.yaml"), "endpoint: {prot: 8443}\n").unwrap();
    let output = site.hagen(&["render", "ha.yaml", "site/a.yaml", "-o", "out", "--secrets", "ha.secrets.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("site/a.yaml:1:12"), "{}", text(&output.stderr));
}

#[test]
fn a_slip_in_the_name_of_the_secrets_starts_no_second_cluster() {
    let site = Site::new();
    assert_eq!(site.hagen(&["render", "ha.yaml", "-o", "out"]).status.code(), Some(0));
    let before = contents(&site.path("out"));
    let output = site.hagen(&["render", "ha.yaml", "-o", "out", "-q", "--secrets", "typo.yaml"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(!site.path("typo.yaml").exists());
    assert_eq!(contents(&site.path("out")), before);
    // Two sites of one base do not share authorities by accident.
    fs::write(site.path("site.yaml"), "name: other\n").unwrap();
    let output = site.hagen(&["render", "ha.yaml", "site.yaml", "-o", "other"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("--secrets FILE"), "{}", text(&output.stderr));
    let output = site.hagen(&["render", "ha.yaml", "site.yaml", "-o", "other", "-q", "--secrets", "other.yaml"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).starts_with("made other.yaml"), "{}", text(&output.stderr));
}

#[test]
fn a_secrets_file_among_the_documents_is_never_shown() {
    let site = Site::new();
    let seed = SECRETS.lines().find(|line| line.starts_with("seed")).unwrap();
    let json = "{\"version\": 1, \"seed\": \"aGFnZW4gdGVzdCBzZWVkLCBub3QgZm9yIGNsdXN0ZXI=\"}";
    fs::write(site.path("json.yaml"), json).unwrap();
    fs::write(site.path("broken.yaml"), SECRETS.replace("issuedAt", "\tissuedAt")).unwrap();
    let key = "-----BEGIN OPENSSH PRIVATE KEY----- b3BlbnNzaC1rZXk";
    fs::write(site.path("key.yaml"), format!("{DOCUMENT}users: [{{name: ops, sshAuthorizedKeys: ['{key}']}}]\n"))
        .unwrap();
    for documents in
        [&["ha.yaml", "ha.secrets.yaml"][..], &["ha.secrets.yaml"], &["json.yaml"], &["broken.yaml"], &["key.yaml"]]
    {
        for format in [&[][..], &["--json"]] {
            let output = site.hagen(&[&["check"], documents, format].concat());
            assert_eq!(output.status.code(), Some(1));
            let said = text(&output.stderr) + &text(&output.stdout);
            for secret in [seed, "aGFnZW4gdGVzdCBzZWVk", "b3BlbnNzaC1rZXk"] {
                assert!(!said.contains(secret), "{documents:?}: {said}");
            }
        }
    }
}

#[test]
fn explain_knows_every_code() {
    let site = Site::new();
    let list = text(&site.hagen(&["explain"]).stdout);
    assert!(list.lines().count() > 50, "{list}");
    for code in list.lines().map(|line| line.split_once(' ').unwrap().0) {
        let output = site.hagen(&["explain", code]);
        assert_eq!(output.status.code(), Some(0));
        assert!(text(&output.stdout).lines().all(|line| line.chars().count() <= 80), "{}", text(&output.stdout));
    }
    assert_eq!(site.hagen(&["explain", "36"]).stdout, site.hagen(&["explain", "hagen036"]).stdout);
    assert_eq!(site.hagen(&["explain", "HAGEN999"]).status.code(), Some(1));
}

#[test]
fn tools_for_editors_shells_and_packages() {
    let site = Site::new();
    let schema: serde_json::Value = serde_json::from_slice(&site.hagen(&["schema"]).stdout).unwrap();
    assert_eq!(schema["required"], serde_json::json!(["name", "kubernetes", "endpoint", "nodes"]));
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(text(&site.hagen(&["completions", shell]).stdout).contains("allow-untested"), "{shell}");
    }
    fs::create_dir(site.path("man")).unwrap();
    assert_eq!(site.hagen(&["man", "man"]).status.code(), Some(0));
    let pages: Vec<String> =
        files(&site.path("man")).iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect();
    for page in ["hagen.1", "hagen-render.1", "hagen-check.1", "hagen-secrets-renew.1", "hagen-document.5"] {
        assert!(pages.iter().any(|found| found == page), "{page} is not in {pages:?}");
    }
}

#[test]
fn help_fits_80_columns() {
    let site = Site::new();
    let verbs = ["init", "check", "render", "secrets", "explain", "schema", "completions", "man"];
    let all = [&["--help"][..], &["-h"], &["secrets", "renew", "--help"]];
    let of_verbs: Vec<[&str; 2]> = verbs.iter().map(|verb| [*verb, "--help"]).collect();
    let listed = text(&site.hagen(&["--help"]).stdout);
    for arguments in all.into_iter().chain(of_verbs.iter().map(|arguments| &arguments[..])) {
        assert!(listed.contains(arguments[0]), "{arguments:?} is not in {listed}");
        let output = site.hagen(arguments);
        assert_eq!(output.status.code(), Some(0));
        for line in text(&output.stdout).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

/// The first YAML block of README.md is the smallest document: it is good, and none of its keys can go.
#[test]
fn the_smallest_document_is_the_readmes() {
    let readme = include_str!("../README.md");
    let block = readme.split_once("```yaml\n").unwrap().1.split_once("```").unwrap().0;
    let site = Site::new();
    fs::write(site.path("readme.yaml"), block).unwrap();
    assert_eq!(site.hagen(&["check", "readme.yaml", "--strict"]).status.code(), Some(0));
    for key in ["name:", "kubernetes:", "endpoint:"] {
        let without: String =
            block.lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
        fs::write(site.path("readme.yaml"), without).unwrap();
        assert_eq!(site.hagen(&["check", "readme.yaml"]).status.code(), Some(1), "{key}");
    }
    let keys: Vec<&str> =
        block.lines().filter(|line| !line.starts_with(' ')).map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(keys, ["name", "kubernetes", "endpoint", "nodes"]);
}

/// Texts that are made to hurt end in an error that says so, within 200 MB of address space. With `--nocapture` it
/// prints how long each takes.
#[test]
fn hostile_texts_end_in_a_clear_error() {
    let site = Site::new();
    for (name, content, code) in hostile() {
        fs::write(site.path("hostile.yaml"), content).unwrap();
        let output = site.bounded(name, "hostile.yaml");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains(&format!("error[{code}]")), "{name}: {said}");
        assert!(said.len() < 200_000, "{name}: {} bytes of messages", said.len());
    }
    // A gigabyte, and a file without an end.
    let file = fs::File::create(site.path("large.yaml")).unwrap();
    file.set_len(1 << 30).unwrap();
    for name in ["large.yaml", "/dev/zero"] {
        let output = site.bounded(name, name);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(text(&output.stderr).contains("error[HAGEN002]"), "{name}: {}", text(&output.stderr));
    }
    fs::write(site.path("hostile.yaml"), format!("{DOCUMENT}files: [{{path: /etc/a, source: /dev/zero}}]\n")).unwrap();
    let output = site.bounded("endless source", "hostile.yaml");
    assert!(text(&output.stderr).contains("it is too large"), "{}", text(&output.stderr));
}

/// Name, text, and the code that it ends in.
fn hostile() -> Vec<(&'static str, String, &'static str)> {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let alias = format!("*a{}", level - 1);
        laughs.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
    }
    let deep = 100_000;
    vec![
        ("billion laughs", laughs, "HAGEN002"),
        ("deep lists", format!("a: {}{}", "[".repeat(deep), "]".repeat(deep)), "HAGEN002"),
        ("deep mappings", format!("a: {}1{}", "{a: ".repeat(deep), "}".repeat(deep)), "HAGEN002"),
        ("deep block lists", format!("{}1\n", "- ".repeat(deep)), "HAGEN002"),
        ("deep block mappings", (0..3000).map(|level| format!("{}a:\n", " ".repeat(level))).collect(), "HAGEN002"),
        ("long scalar", format!("name: {}\n", "x".repeat(7 << 20)), "HAGEN013"),
        ("long key", format!("{}: 1\n", "x".repeat(1000)), "HAGEN010"),
        ("duplicate keys", "name: a\n".repeat(100_000), "HAGEN005"),
        ("unknown keys", (0..100_000).map(|key| format!("key{key}: 1\n")).collect(), "HAGEN010"),
        ("wrong nodes", format!("nodes:\n{}", "- 1\n".repeat(100_000)), "HAGEN012"),
        ("tags", "a: !y b\n".repeat(50_000), "HAGEN007"),
        ("merges", format!("a: &a {{b: 1}}\nc: {{<<: [{}]}}\n", "*a, ".repeat(100_000)), "HAGEN010"),
        ("quotes", "\"".repeat(100_001), "HAGEN001"),
        ("NULs", "\0".repeat(100_000), "HAGEN001"),
    ]
}
