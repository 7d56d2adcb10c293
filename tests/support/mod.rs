//! What several tests need: a document rendered in memory, with a fixed seed.
#![allow(
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a test may, and each uses its own part"
)]

use std::collections::BTreeMap;
use std::path::Path;

use hagen::config;
use hagen::config::diagnostics::Diagnostics;
use hagen::config::schema::Document;
use hagen::format::{Entry, Tree};
use hagen::render::{Options, RenderError, Rendered, render};
use hagen::secrets::Secrets;

/// 2026-11-01T12:00:00Z.
pub const ISSUED_AT: i64 = 1_793_534_400;

pub fn secrets() -> Secrets {
    Secrets::new([7; 32], time::OffsetDateTime::from_unix_timestamp(ISSUED_AT).unwrap())
}

/// Renders a document that is right, with its plain trees.
pub fn render_text(text: &str, folder: &Path, secrets: &Secrets) -> Rendered {
    let mut read = |_, name: &str| std::fs::read(folder.join(name));
    let input = config::Input { name: "cluster.yaml", content: text.as_bytes() };
    let (document, _) = config::load(&[input], &mut read, &config::Options::default())
        .unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render(false)));
    render(&document, secrets, &[text.as_bytes()], &Options { plain_tree: true, ..Options::default() }, None).unwrap()
}

/// A document that is right and names no files, with its warnings; `media` as on the command line.
pub fn load(text: &str, media: &[&str]) -> (Document, Diagnostics) {
    let input = config::Input { name: "cluster.yaml", content: text.as_bytes() };
    let media = media.iter().map(|&name| name.to_owned()).collect();
    let options = config::Options { media, ..config::Options::default() };
    config::load(&[input], &mut |_, _| Ok(Vec::new()), &options)
        .unwrap_or_else(|diagnostics| panic!("{}", diagnostics.render(false)))
}

/// Renders a document that is right, for one medium, which no rule has looked at.
pub fn render_medium(text: &str, medium: &str) -> Result<Rendered, RenderError> {
    let options = Options { media: vec![medium.to_owned()], ..Options::default() };
    render(&load(text, &[]).0, &secrets(), &[], &options, None)
}

/// Every entry of a tree as comparable text and bytes.
pub fn flat(tree: &Tree) -> BTreeMap<String, (String, Vec<u8>)> {
    tree.iter()
        .map(|(path, entry)| {
            let value = match entry {
                Entry::File { content, mode, owner } => (format!("file {mode:04o} {owner:?}"), content.clone()),
                Entry::Directory { mode } => (format!("directory {mode:04o}"), Vec::new()),
                Entry::Link { target } => (format!("link {target}"), Vec::new()),
                Entry::Stream { .. } => panic!("nothing here has a payload"),
            };
            (path.to_owned(), value)
        })
        .collect()
}
