//! Every wrong document under `tests/invalid` gives exactly the text beside it; so does every wrong secrets file.
//!
//! In: `<area>-<rule>.yaml`; `secrets-*` and `expiry-*` are secrets files, what is wrong with `rendered-*` is only seen
//! once it was rendered. Out: `<area>-<rule>.txt`, written anew when `HAGEN_BLESS` is set. A reviewer reads the difference. Files that a document names are read from the same directory.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files has failed")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use hagen::config::catalogue::Code;
use hagen::config::diagnostics::{Diagnostics, Severity};
use hagen::config::schema::Document;
use hagen::config::{Input, Options, load};
use hagen::render::{self, RenderError, expiry, render};
use hagen::secrets::Secrets;
use time::OffsetDateTime;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/invalid")
}

fn documents() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.sort();
    paths
}

fn load_file(path: &Path, allow_untested: bool) -> Result<(Document, Diagnostics), Diagnostics> {
    let content = fs::read(path).unwrap();
    let mut read = |_, relative: &str| fs::read(directory().join(relative));
    load(
        &[Input { name: "cluster.yaml", content: &content }],
        &mut read,
        &Options { allow_untested, ..Options::default() },
    )
}

/// What a user would see of a document: errors, or the warnings of one that loads.
fn messages(path: &Path) -> Diagnostics {
    let allow_untested = path.to_string_lossy().contains("allow-untested");
    load_file(path, allow_untested).map_or_else(|errors| errors, |(_, warnings)| warnings)
}

/// The documents proper, whose mistake is seen when they are loaded.
fn wrong_documents() -> Vec<PathBuf> {
    documents().into_iter().filter(|path| !is_secrets(path) && !is_rendered(path)).collect()
}

fn is_secrets(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_string_lossy();
    name.starts_with("secrets-") || name.starts_with("expiry-")
}

fn is_rendered(path: &Path) -> bool {
    path.file_name().unwrap().to_string_lossy().starts_with("rendered-")
}

/// What a user would see of a document that loads and cannot be rendered.
fn of_rendering(path: &Path) -> String {
    let (document, _) = load_file(path, false).unwrap();
    match render(&document, &support::secrets(), &[], &render::Options::default(), None) {
        Err(RenderError::TooLarge(bundles)) => {
            bundles.iter().map(|bundle| bundle.render(false)).collect::<Vec<_>>().join("\n")
        }
        Err(error) => error.to_string(),
        Ok(_) => String::new(),
    }
}

/// What a user would see of a secrets file on 2026-11-21.
fn of_secrets(path: &Path) -> String {
    let today = OffsetDateTime::from_unix_timestamp(1_795_262_400).unwrap();
    match Secrets::parse(&fs::read_to_string(path).unwrap()) {
        Err(error) => error.render("cluster.secrets.yaml", false),
        Ok(secrets) => {
            let until = secrets.issued_at() + time::Duration::hours(8760);
            expiry(until, today, Severity::Warning, false).unwrap_or_default()
        }
    }
}

fn text_of(path: &Path) -> String {
    match path {
        _ if is_secrets(path) => of_secrets(path),
        _ if is_rendered(path) => of_rendering(path),
        _ => messages(path).render(false),
    }
}

#[test]
fn every_wrong_document_gives_the_text_beside_it() {
    #[expect(clippy::disallowed_methods, reason = "a test may")]
    let bless = std::env::var_os("HAGEN_BLESS").is_some();
    let mut wrong = Vec::new();
    for path in documents() {
        let text = text_of(&path);
        if text.is_empty() {
            wrong.push(format!("{} is good", path.display()));
        }
        assert_eq!(text, text_of(&path), "{} is rendered differently each time", path.display());
        let expected_path = path.with_extension("txt");
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if text != expected {
            if bless {
                fs::write(&expected_path, &text).unwrap();
            } else {
                wrong.push(format!("== {}\n-- expected\n{expected}\n-- found\n{text}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "HAGEN_BLESS=1 writes the texts anew\n{}", wrong.join("\n"));
}

#[test]
fn every_code_has_a_document_and_every_message_a_help_line() {
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for path in wrong_documents() {
        for diagnostic in &messages(&path) {
            seen.insert(diagnostic.code);
            if diagnostic.help.is_none() {
                wrong.push(format!("{}: no help for `{}`", path.display(), diagnostic.message));
            }
            let first = diagnostic.message.chars().next().unwrap();
            let proper = diagnostic.message.starts_with("Kubernetes");
            if (first.is_uppercase() && !proper) || diagnostic.message.ends_with('.') {
                wrong.push(format!("{}: not lower-case, or a full stop: `{}`", path.display(), diagnostic.message));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    for path in documents().into_iter().filter(|path| is_secrets(path) || is_rendered(path)) {
        let text = text_of(&path);
        assert!(text.contains("= help: "), "{}: {text}", path.display());
        seen.extend(Code::ALL.iter().filter(|code| text.contains(&format!("[{}]", code.as_str()))));
    }
    // No document has these: a folder is wrong (tests/cli.rs).
    seen.extend([Code::PayloadMissing, Code::PayloadDamaged, Code::PayloadMixed]);
    let missing: Vec<&str> = Code::ALL.iter().filter(|code| !seen.contains(code)).map(|code| code.as_str()).collect();
    assert_eq!(missing, Vec::<&str>::new(), "codes that no document under tests/invalid gives");
}

#[test]
fn codes_are_in_order_and_explained() {
    assert!(Code::ALL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
    for code in Code::ALL {
        assert!(code.explanation().ends_with('.'), "{}", code.as_str());
        assert!(!code.title().ends_with('.'), "{}", code.as_str());
    }
}

#[test]
fn a_wrong_document_names_its_first_rule_only_for_its_own_mistake() {
    // One file, one rule: a document that trips over a second rule by accident would hide a regression of the first.
    let mut wrong = Vec::new();
    for path in wrong_documents() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name.starts_with("many-") {
            continue;
        }
        let messages = messages(&path);
        // A warning beside an error hides nothing.
        let counted = messages.iter().filter(|one| !messages.has_errors() || one.severity == Severity::Error);
        let codes: BTreeSet<Code> = counted.map(|diagnostic| diagnostic.code).collect();
        if codes.len() != 1 {
            wrong.push(format!("{name}: {codes:?}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn ten_mistakes_of_ten_rules_are_said_in_one_run() {
    // With a byte order mark, CRLF, umlauts, an anchor and a merge key; the text beside it has lines and columns.
    let path = directory().join("many-ten-rules.yaml");
    let content = fs::read(&path).unwrap();
    assert!(content.starts_with(b"\xef\xbb\xbf") && content.windows(2).any(|pair| pair == b"\r\n"));
    let codes: BTreeSet<Code> = messages(&path).iter().map(|diagnostic| diagnostic.code).collect();
    assert!(codes.len() >= 10, "{codes:?}");
}
