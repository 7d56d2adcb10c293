//! Text -> [`schema::Document`]: the schema, loading, and everything that can be said about a wrong document.
//!
//! In: the text of `cluster.yaml`, and a way to read the files that it names. Out: a document in which no value is
//! invalid, or every message at once. The way: text -> `tree` -> `overlay` -> `decode` -> `rules`.

pub mod catalogue;
mod decode;
pub mod diagnostics;
pub mod keys;
mod overlay;
mod reader;
mod rules;
pub mod schema;
mod tree;
pub mod values;

#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::io;

use catalogue::Code;
use diagnostics::{Diagnostic, Diagnostics, Span};
use keys::Shape;
use schema::Document;
use tree::{Dialect, Kind, Node};

pub use tree::TEXT_LIMIT;

/// What the caller allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Kubernetes minors that hagen does not know are a warning (`--allow-untested`).
    pub allow_untested: bool,
    /// Media by name, besides those of the document (`--media`).
    pub media: Vec<String>,
}

/// One file of the document.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// Its name in messages.
    pub name: &'a str,
    /// Its bytes.
    pub content: &'a [u8],
}

/// Reads a document: the first input, with every later one laid over it in order.
///
/// Mappings are merged key by key; nodes, users and files by their name or path; anything else is replaced.
/// `read` is asked for the files under `manifests` and `files[].source`, with the number of the input that names it
/// and the path as written there, relative to that input.
/// With the document come the warnings; they never change what it says.
///
/// # Errors
/// All messages, sorted by place, when at least one of them is an error.
pub fn load(
    inputs: &[Input<'_>],
    read: &mut dyn FnMut(usize, &str) -> io::Result<Vec<u8>>,
    options: &Options,
) -> Result<(Document, Diagnostics), Diagnostics> {
    let mut diagnostics = Diagnostics::new(inputs.len());
    let mut root: Option<Node> = None;
    let mut failed = false;
    for (number, input) in inputs.iter().enumerate() {
        let text = String::from_utf8_lossy(input.content);
        let source = diagnostics.sources_mut().add(input.name, &text);
        let parsed = check_encoding(source, input.content)
            .and_then(|()| tree::parse(source, text.strip_prefix('\u{feff}').unwrap_or(&text), Dialect::Document));
        let seed = |parsed: &tree::Parsed| parsed.documents.iter().any(|node| node.entry("seed").is_some());
        if is_secrets_file(&text) || parsed.as_ref().is_ok_and(seed) {
            diagnostics.sources_mut().hide(source);
            let place = Span { source, start: 0, end: 0 };
            let message = "this is a secrets file, not a document";
            let help = "name documents only; the secrets file is found beside the document, or by `--secrets`";
            diagnostics.push(Diagnostic::error(Code::SecretsFile, place, message).help(help));
            failed = true;
            continue;
        }
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(diagnostic) => {
                diagnostics.push(*diagnostic);
                failed = true;
                continue;
            }
        };
        for diagnostic in parsed.diagnostics {
            diagnostics.push(diagnostic);
        }
        let node = parsed.documents.into_iter().next().filter(|node| !node.is_null());
        let place = node.as_ref().map_or(Span { source, start: 0, end: 0 }, |node| node.span);
        root = match (root.take(), node) {
            (_, Some(node)) if !matches!(node.kind, Kind::Mapping(_)) => {
                let message = format!("the document must be a mapping, found {}", node.description());
                diagnostics.push(Diagnostic::error(Code::WrongType, place, message).help(decode::FIRST_LINE));
                failed = true;
                None
            }
            (Some(base), Some(over)) => Some(overlay::overlay(base, over, Shape::Mapping(keys::DOCUMENT))),
            (None, None) if number == 0 => {
                let empty = Diagnostic::error(Code::EmptyDocument, place, "the document is empty");
                diagnostics.push(empty.help(decode::FIRST_LINE));
                failed = true;
                None
            }
            // An overlay may have nothing to say.
            (base, over) => base.or(over),
        };
    }
    let (Some(root), false) = (root, failed) else {
        diagnostics.sort();
        return Err(diagnostics);
    };
    let root = &root;

    let place = root.span;
    let read = RefCell::new(read);
    let read = |source: u32, path: &str| (read.borrow_mut())(usize::try_from(source).unwrap_or_default(), path);
    let context = reader::Context { diagnostics: RefCell::new(diagnostics), read: &read };
    let draft = decode::document(root, &context);
    if let Some(draft) = &draft {
        rules::check(&rules::Subject { draft, root, options, context: &context });
    }
    let mut diagnostics = context.diagnostics.into_inner();
    diagnostics.sort();
    let document = if diagnostics.has_errors() { None } else { draft.and_then(decode::Draft::finish) };
    match document {
        Some(document) => Ok((document, diagnostics)),
        None if diagnostics.has_errors() => Err(diagnostics),
        None => {
            // Whatever is missing was reported where it was asked for; without this, a slip there would be silent.
            diagnostics.push(Diagnostic::error(Code::MissingKey, place, "the document is incomplete"));
            Err(diagnostics)
        }
    }
}

/// A text that is not UTF-8 is wrong at its first byte that is not.
fn check_encoding(source: u32, content: &[u8]) -> Result<(), Box<Diagnostic>> {
    let Err(error) = std::str::from_utf8(content) else { return Ok(()) };
    let start = error.valid_up_to();
    // The source's text has no byte order mark.
    let start = if content.starts_with(b"\xef\xbb\xbf") { start.saturating_sub(3) } else { start };
    let help = match content {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it looks like UTF-16: save it as UTF-8",
        _ => "save it as UTF-8; the byte before this place is the last good one",
    };
    let span = Span { source, start, end: start + '\u{fffd}'.len_utf8() };
    Err(Box::new(Diagnostic::error(Code::Syntax, span, "the text is not UTF-8").help(help)))
}

/// Whether somebody named a secrets file where a document belongs, as `hagen check *.yaml` does. Told from the text: a
/// damaged one is a secret as well.
fn is_secrets_file(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.trim_start_matches('\u{feff}').starts_with(key));
    has("seed:") && has("version:")
}
