//! Generated documents are fresh, and the JSON Schema says what hagen says.
//!
//! `HAGEN_BLESS=1 cargo test --test reference` writes docs/reference.md and docs/errors.md anew. The schema is checked
//! by an independent validator, on documents read by an independent YAML reader.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::{Path, PathBuf};

use hagen::reference::{Kind, json_schema};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn is_fresh(path: &str, new: &str) {
    let path = root().join(path);
    #[expect(clippy::disallowed_methods, reason = "a test may")]
    let bless = std::env::var_os("HAGEN_BLESS").is_some();
    if bless {
        fs::write(&path, new).unwrap();
    }
    let old = fs::read_to_string(&path).unwrap_or_default();
    assert!(old == new, "{} is stale: HAGEN_BLESS=1 cargo test --test reference", path.display());
}

#[test]
fn documents_for_people_are_fresh() {
    is_fresh("docs/reference.md", &hagen::reference::reference());
    is_fresh("docs/errors.md", &hagen::reference::errors());
}

#[test]
fn the_man_page_has_every_key() {
    let page = hagen::reference::man();
    for word in ["podSubnet", "kubeVip", "renewDeadline", "sshAuthorizedKeys", "not built yet"] {
        assert!(page.contains(word), "{word}");
    }
}

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&json_schema(Kind::Document)).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

/// A document as another YAML reader sees it.
fn json(path: &Path) -> Option<Value> {
    let text = fs::read_to_string(path).ok()?;
    serde_yaml::from_str(text.trim_start_matches('\u{feff}')).ok()
}

fn documents(folder: &str) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
    // Beside them lie secrets files, where somebody rendered.
    paths.retain(|path| path.to_string_lossy().strip_suffix(".yaml").is_some_and(|stem| !stem.ends_with(".secrets")));
    paths.sort();
    assert!(!paths.is_empty());
    paths
}

#[test]
fn the_schema_is_valid_and_accepts_every_example() {
    let schema: Value = serde_json::from_str(&json_schema(Kind::Document)).unwrap();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = validator();
    let golden =
        ["one", "three", "five", "systems"].map(|name| root().join(format!("tests/golden/{name}/cluster.yaml")));
    for path in documents("examples").into_iter().chain(golden) {
        let document = json(&path).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path)).collect();
        assert_eq!(errors, Vec::<String>::new(), "{}", path.display());
    }
}

/// Documents whose mistake is one of shape, but which another YAML reader cannot see.
const READERS_DIFFER: &[&str] = &[
    // YAML 1.2's core schema reads 01500 as the number 1500.
    "shape-octal-number",
    // YAML 1.1 and this reader take `yes` for a boolean.
    "shape-yes-is-text",
];

#[test]
fn the_schema_rejects_every_mistake_of_shape() {
    let validator = validator();
    let mut accepted = Vec::new();
    for path in documents("tests/invalid") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let is_shape = ["shape-", "planned-"].iter().any(|area| name.starts_with(area));
        if is_shape && !READERS_DIFFER.contains(&name.as_str()) {
            let document = json(&path).unwrap();
            if validator.is_valid(&document) {
                accepted.push(name);
            }
        }
    }
    assert_eq!(accepted, Vec::<String>::new());
}

/// A rule over several values is none that a schema can have: whatever hagen accepts, it accepts.
#[test]
fn the_schema_accepts_what_only_a_rule_rejects() {
    let validator = validator();
    let rules = [
        "addresses-",
        "certificates-outlive",
        "network-",
        "nodes-duplicate",
        "nodes-even",
        "ranges-pods",
        "kube-vip-lease",
    ];
    let mut rejected = Vec::new();
    for path in documents("tests/invalid") {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if rules.iter().any(|rule| name.starts_with(rule)) && !validator.is_valid(&json(&path).unwrap()) {
            rejected.push(name);
        }
    }
    assert_eq!(rejected, Vec::<String>::new());
}

#[test]
fn the_schema_of_overlays_requires_nothing_but_names() {
    let schema: Value = serde_json::from_str(&json_schema(Kind::Overlay)).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for good in [
        "network: {mtu: 9000}",
        "kubernetes: {apiServer: {extraArgs: {v: null}}}",
        "nodes: [{name: w1, labels: {a: null}}]",
        "files: [{path: /etc/motd, content: hi}]",
    ] {
        assert!(validator.is_valid(&serde_yaml::from_str(good).unwrap()), "{good}");
    }
    for bad in ["netwrok: {}", "nodes: [{labels: {a: b}}]", "files: [{content: hi}]"] {
        assert!(!validator.is_valid(&serde_yaml::from_str(bad).unwrap()), "{bad}");
    }
}
