//! Text -> [`schema::Document`]: the schema, loading, and everything that can be said about a wrong document.
//!
//! In: the text of `cluster.yaml`, and a way to read the files that it names. Out: a document in which no value is
//! invalid, or every message at once. The way: text -> `tree` -> `decode` -> `rules`.

pub mod catalogue;
mod decode;
pub mod diagnostics;
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
use diagnostics::{Diagnostic, Diagnostics, Sources, Span};
use schema::Document;
use tree::Dialect;

/// What the caller allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Kubernetes minors that hagen does not know are a warning (`--allow-untested`).
    pub allow_untested: bool,
}

/// Reads a document.
///
/// `name` is the document's name in messages, `text` its content. `read` is asked for the files under `manifests`
/// and `files[].source`, with the path as the document writes it, relative to the document.
/// With the document come the warnings; they never change what it says.
///
/// # Errors
/// All messages, sorted by place, when at least one of them is an error.
pub fn load(
    name: &str,
    text: &str,
    read: &mut dyn FnMut(&str) -> io::Result<Vec<u8>>,
    options: &Options,
) -> Result<(Document, Diagnostics), Diagnostics> {
    let mut sources = Sources::new();
    let source = sources.add(name, text);
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut diagnostics = Diagnostics::new(sources);
    let parsed = match tree::parse(source, text, Dialect::Document) {
        Ok(parsed) => parsed,
        Err(diagnostic) => {
            diagnostics.push(*diagnostic);
            return Err(diagnostics);
        }
    };
    for diagnostic in parsed.diagnostics {
        diagnostics.push(diagnostic);
    }
    let place = Span { source, start: 0, end: 0 };
    let Some(root) = parsed.documents.first() else {
        let empty = Diagnostic::error(Code::EmptyDocument, place, "the document is empty");
        diagnostics.push(empty.help(decode::FIRST_LINE));
        return Err(diagnostics);
    };

    let read = RefCell::new(read);
    let read = |path: &str| (read.borrow_mut())(path);
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
