//! Text -> tree: YAML as a tree of nodes that know their place, with aliases expanded and merge keys applied.
//!
//! In: the text of one source. Out: its documents, and a message for each mistake that lets reading go on
//! (a duplicate key, say); a mistake that does not ends it with that one message. Scalars keep their text:
//! what `NO`, `1.30` or `0644` means is decided by whoever wants a value, not here.
//!
//! The parser is granit-parser, the one inside serde-saphyr: serde itself would stop at the first mistake.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::catalogue::Code;
use super::diagnostics::{Diagnostic, Span};

/// Longest text that is read, in bytes.
pub const TEXT_LIMIT: usize = 8 << 20;
/// Most nodes, and most bytes of scalars, once aliases are expanded: ten bytes of text can name a thousand nodes.
const NODE_LIMIT: usize = 1_000_000;
const SCALAR_LIMIT: usize = 64 << 20;
/// Deepest nesting of the document, and of manifests, where schemas of custom resources nest deeply.
const DEPTH_LIMIT: usize = 64;
const MANIFEST_DEPTH_LIMIT: usize = 200;

/// One value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Its place; inside an alias, the place of the alias.
    pub span: Span,
    /// Inside an alias: where the value itself stands.
    pub origin: Option<Span>,
    pub kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Scalar { text: String, plain: bool },
    Sequence(Vec<Node>),
    Mapping(Vec<(Key, Node)>),
}

/// The key of a mapping.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub text: String,
    pub span: Span,
    /// Inside an alias: where the key itself stands.
    pub origin: Option<Span>,
}

impl Node {
    /// The scalar's text, unless it is null.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether it is YAML's null: nothing, `~` or `null`, unquoted.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, plain: true } if is_null(text))
    }

    /// Whether it says nothing: null, or an empty list or mapping.
    pub fn is_empty(&self) -> bool {
        match &self.kind {
            Kind::Scalar { .. } => self.is_null(),
            Kind::Sequence(items) => items.is_empty(),
            Kind::Mapping(entries) => entries.is_empty(),
        }
    }

    /// What it is, for "expected this, found that".
    pub fn description(&self) -> &'static str {
        match &self.kind {
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a mapping",
            Kind::Scalar { .. } if self.is_null() => "nothing",
            Kind::Scalar { text, plain: true } => match resolve(text) {
                Plain::Bool(_) => "a boolean",
                Plain::Integer(_) | Plain::Float(_) => "a number",
                Plain::Null | Plain::Text => "text",
            },
            Kind::Scalar { .. } => "text",
        }
    }

    /// The entry of a mapping with this key.
    pub fn entry(&self, key: &str) -> Option<(&Key, &Node)> {
        match &self.kind {
            Kind::Mapping(entries) => {
                entries.iter().find(|(candidate, _)| candidate.text == key).map(|(key, node)| (key, node))
            }
            _ => None,
        }
    }

    /// Itself and everything in it: how many nodes, bytes of text, levels.
    fn size(&self) -> Size {
        let mut size = Size { nodes: 1, bytes: 0, depth: 1 };
        let mut add = |inner: &Self, key: usize| {
            let inner = inner.size();
            size.nodes += inner.nodes + 1;
            size.bytes += inner.bytes + key;
            size.depth = size.depth.max(inner.depth + 1);
        };
        match &self.kind {
            Kind::Scalar { text, .. } => size.bytes = text.len(),
            Kind::Sequence(items) => items.iter().for_each(|item| add(item, 0)),
            Kind::Mapping(entries) => entries.iter().for_each(|(key, value)| add(value, key.text.len())),
        }
        size
    }

    /// The same value as seen through an alias at `place`.
    fn seen_at(&self, place: Span) -> Self {
        let kind = match &self.kind {
            Kind::Scalar { text, plain } => Kind::Scalar { text: text.clone(), plain: *plain },
            Kind::Sequence(items) => Kind::Sequence(items.iter().map(|item| item.seen_at(place)).collect()),
            Kind::Mapping(entries) => {
                Kind::Mapping(entries.iter().map(|(key, value)| (key.seen_at(place), value.seen_at(place))).collect())
            }
        };
        Self { span: place, origin: Some(self.origin.unwrap_or(self.span)), kind }
    }
}

impl Key {
    fn seen_at(&self, place: Span) -> Self {
        Self { text: self.text.clone(), span: place, origin: Some(self.origin.unwrap_or(self.span)) }
    }
}

/// What an unquoted scalar means in YAML 1.2's core schema.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text,
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// Resolves an unquoted scalar as YAML 1.2.2 section 10.3.2 says; `.inf` and `.nan` are floats.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(f64::NAN),
        _ if is_null(text) => return Plain::Null,
        _ => {}
    }
    let bare = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(bare, ".inf" | ".Inf" | ".INF") {
        return Plain::Float(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let based = |digits: &str, base: u32| {
        let good = !digits.is_empty() && digits.chars().all(|c| c.is_digit(base));
        good.then(|| i128::from_str_radix(digits, base).ok()).flatten().map(Plain::Integer)
    };
    if let Some(digits) = text.strip_prefix("0o") {
        return based(digits, 8).unwrap_or(Plain::Text);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return based(digits, 16).unwrap_or(Plain::Text);
    }
    if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map_or_else(|_| text.parse().map_or(Plain::Text, Plain::Float), Plain::Integer);
    }
    // [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
    let numeric = bare.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-' | b'+'));
    let begins = bare.starts_with(|c: char| c.is_ascii_digit() || c == '.') && bare.bytes().any(|b| b.is_ascii_digit());
    if numeric && begins { text.parse().map_or(Plain::Text, Plain::Float) } else { Plain::Text }
}

/// What is read, and how strictly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// hagen's own document: exactly one, with plain keys and tags.
    Document,
    /// Somebody's Kubernetes manifest: any number of documents; what kubectl can judge is left to it.
    Manifest,
}

/// The documents of a text, and the mistakes that did not stop reading.
pub(super) struct Parsed {
    pub documents: Vec<Node>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a text. `source` is its number, for spans; the text has no byte order mark.
///
/// # Errors
/// The one message about a mistake after which nothing else can be told.
pub(super) fn parse(source: u32, text: &str, dialect: Dialect) -> Result<Parsed, Box<Diagnostic>> {
    if text.len() > TEXT_LIMIT {
        let span = Span { source, start: 0, end: 0 };
        let message = format!("the text has more than {} MiB", TEXT_LIMIT >> 20);
        let help = "a cluster of a thousand nodes needs less than a hundredth of that: is this the right file?";
        return Err(Box::new(Diagnostic::error(Code::TooLarge, span, message).help(help)));
    }
    let options = granit_parser::options! { emit_comments: false };
    let mut builder = Builder {
        source,
        text,
        dialect,
        documents: Vec::new(),
        open: Vec::new(),
        anchors: BTreeMap::new(),
        nodes: 0,
        bytes: 0,
        diagnostics: Vec::new(),
    };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| builder.syntax(&error))?;
        builder.event(event, span)?;
    }
    Ok(Parsed { documents: builder.documents, diagnostics: builder.diagnostics })
}

#[derive(Clone, Copy)]
struct Size {
    nodes: usize,
    bytes: usize,
    depth: usize,
}

/// A list or mapping whose end was not read yet.
struct Open {
    start: usize,
    anchor: usize,
    kind: OpenKind,
}

enum OpenKind {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<(Key, Node)>, positions: BTreeMap<String, usize>, merges: Vec<Node>, key: Option<Pending> },
}

/// A key whose value was not read yet.
enum Pending {
    Key(Key),
    Merge(Span),
    /// A key that was refused: its value is read and dropped.
    Refused,
}

struct Builder<'text> {
    source: u32,
    text: &'text str,
    dialect: Dialect,
    documents: Vec<Node>,
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, Size)>,
    nodes: usize,
    bytes: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Builder<'_> {
    /// A span of the parser as one of ours, cut to its first line.
    fn span(&self, span: granit_parser::Span) -> Span {
        let range = span.byte_range().unwrap_or_default();
        self.first_line(range.start, range.end)
    }

    /// A place cut to its first line: carets under several lines are hard to read.
    fn first_line(&self, start: usize, end: usize) -> Span {
        let line = self.text.get(start..end).unwrap_or_default().lines().next().unwrap_or_default().trim_end();
        Span { source: self.source, start, end: start + line.len() }
    }

    fn syntax(&self, error: &granit_parser::ScanError) -> Box<Diagnostic> {
        let start = self.text.floor_char_boundary(error.marker().byte_offset().unwrap_or(self.text.len()));
        // The parser notices at the character that it cannot place, or one past the end of the text.
        let width =
            self.text[start..].chars().next().filter(|c| *c == '\t' || !c.is_control()).map_or(0, char::len_utf8);
        let span = Span { source: self.source, start, end: start + width };
        if matches!(error.kind(), granit_parser::ErrorKind::RecursionLimitExceeded) {
            return self.too_large(span, "the document is nested too deeply");
        }
        let mut diagnostic = Diagnostic::error(Code::Syntax, span, format!("not YAML: {}", error.info()));
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or_default();
        let indentation = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        // `name:homelab` on a line makes one text of it and of the next lines, up to their first colon.
        let above = self.text[..line_start].lines().next_back().unwrap_or_default();
        let glued = [above, line].into_iter().map(|line| line.trim_start_matches(['-', ' '])).find(|line| {
            line.split_once(':').is_some_and(|(key, rest)| {
                !key.is_empty()
                    && key.chars().all(char::is_alphanumeric)
                    && rest.starts_with(|c: char| !c.is_whitespace())
            })
        });
        if let Some(glued) = glued
            && matches!(error.kind(), granit_parser::ErrorKind::MappingValueNotAllowed)
        {
            let (key, rest) = glued.split_once(':').unwrap_or_default();
            let value = rest.split_whitespace().next().unwrap_or_default();
            diagnostic = diagnostic.help(format!("put a blank after the colon: `{key}: {value}`"));
        } else if indentation.contains('\t') {
            diagnostic = diagnostic.help("indent with blanks: YAML forbids tabs in the indentation");
        } else if matches!(error.kind(), granit_parser::ErrorKind::UnknownAnchor) {
            diagnostic = diagnostic.help("an alias `*name` needs an anchor `&name` above it");
        } else if matches!(error.kind(), granit_parser::ErrorKind::MappingValueNotAllowed) {
            diagnostic = diagnostic.help("check the indentation; text that contains `: ` must be in quotes");
        } else if error.info().contains("quot") {
            diagnostic = diagnostic.help("a quote that was opened before this place is never closed");
        } else {
            diagnostic = diagnostic.help("nothing after this place was looked at: correct it and run hagen again");
        }
        Box::new(diagnostic)
    }

    fn too_large(&self, span: Span, message: &str) -> Box<Diagnostic> {
        Box::new(Diagnostic::error(Code::TooLarge, span, message).help(format!(
            "at most {NODE_LIMIT} values with aliases expanded, {} MiB of text in them and {} levels are read",
            SCALAR_LIMIT >> 20,
            self.depth_limit()
        )))
    }

    const fn depth_limit(&self) -> usize {
        match self.dialect {
            Dialect::Document => DEPTH_LIMIT,
            Dialect::Manifest => MANIFEST_DEPTH_LIMIT,
        }
    }

    /// Counts what is about to be added.
    fn spend(&mut self, span: Span, size: Size) -> Result<(), Box<Diagnostic>> {
        self.nodes += size.nodes;
        self.bytes += size.bytes;
        if self.nodes > NODE_LIMIT || self.bytes > SCALAR_LIMIT {
            return Err(self.too_large(span, "the document has too many values"));
        }
        if self.open.len() + size.depth > self.depth_limit() {
            return Err(self.too_large(span, "the document is nested too deeply"));
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, parser_span: granit_parser::Span) -> Result<(), Box<Diagnostic>> {
        let span = self.span(parser_span);
        match event {
            Event::DocumentStart(..) => {
                if self.dialect == Dialect::Document && !self.documents.is_empty() {
                    return Err(Box::new(
                        Diagnostic::error(Code::MultipleDocuments, span, "a second YAML document begins here")
                            .help("one file describes one cluster: remove the `---`, or use a second file"),
                    ));
                }
                self.anchors.clear();
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.spend(span, Size { nodes: 1, bytes: text.len(), depth: 0 })?;
                let (text, mut plain) = (text.into_owned(), style == ScalarStyle::Plain);
                if let Some(tag) = tag {
                    match tag.core_suffix() {
                        Some("str") => plain = false,
                        Some("int" | "float" | "bool" | "null") => plain = true,
                        // `!` alone says "not resolved": text.
                        None if tag.handle().is_empty() && tag.suffix() == "!" => plain = false,
                        _ => self.refuse_tag(&tag, parser_span, span),
                    }
                }
                // An empty plain scalar has no character of its own, and the parser calls it `~`.
                let text = if plain && span.start == span.end { String::new() } else { text };
                self.place(Node { span, origin: None, kind: Kind::Scalar { text, plain } }, anchor)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.spend(span, Size { nodes: 1, bytes: 0, depth: 1 })?;
                if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some("seq")) {
                    self.refuse_tag(&tag, parser_span, span);
                }
                self.open.push(Open { start: span.start, anchor, kind: OpenKind::Sequence(Vec::new()) });
            }
            Event::MappingStart(_, anchor, tag) => {
                self.spend(span, Size { nodes: 1, bytes: 0, depth: 1 })?;
                if let Some(tag) = tag.filter(|tag| tag.core_suffix() != Some("map")) {
                    self.refuse_tag(&tag, parser_span, span);
                }
                let kind = OpenKind::Mapping {
                    entries: Vec::new(),
                    positions: BTreeMap::new(),
                    merges: Vec::new(),
                    key: None,
                };
                self.open.push(Open { start: span.start, anchor, kind });
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let node = Node {
                    span: self.first_line(open.start, span.end.max(open.start)),
                    origin: None,
                    kind: match open.kind {
                        OpenKind::Sequence(items) => Kind::Sequence(items),
                        OpenKind::Mapping { entries, positions, merges, .. } => {
                            Kind::Mapping(self.merge(entries, positions, merges))
                        }
                    },
                };
                self.place(node, open.anchor)?;
            }
            Event::Alias(id) => {
                let Some((target, size)) = self.anchors.get(&id) else {
                    return Err(Box::new(
                        Diagnostic::error(Code::RecursiveAlias, span, "an alias of a value that is not complete yet")
                            .help("a value cannot contain itself: write it out"),
                    ));
                };
                let (size, node) = (*size, target.clone());
                self.spend(span, size)?;
                self.place(node.seen_at(span), 0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn refuse_tag(&mut self, tag: &Tag, parser_span: granit_parser::Span, span: Span) {
        if self.dialect == Dialect::Document {
            let place = parser_span.tag_span().map_or(span, |tag_span| self.span(tag_span));
            self.diagnostics.push(
                Diagnostic::error(Code::UnknownTag, place, format!("the tag `{}` has no meaning here", tag.original()))
                    .help("remove it; the schema says what type each value has"),
            );
        }
    }

    /// Puts a complete node where it belongs.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), Box<Diagnostic>> {
        if anchor != 0 {
            // The copy for later aliases costs as much as an alias does: anchors nest.
            let size = node.size();
            self.spend(node.span, Size { depth: 0, ..size })?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.kind {
            OpenKind::Sequence(items) => items.push(node),
            OpenKind::Mapping { entries, positions, merges, key } => match key.take() {
                None => {
                    let (pending, complaint) = read_key(node, self.dialect, self.text);
                    *key = Some(pending);
                    self.diagnostics.extend(complaint);
                }
                Some(Pending::Merge(at)) => match is_mergeable(&node) {
                    Ok(()) => merges.push(node),
                    Err(span) => self.diagnostics.push(
                        Diagnostic::error(Code::BadMerge, span, "only mappings can be merged")
                            .also(at, "merged here")
                            .help("write `<<: *name`, or `<<: [*one, *two]`, where the names are anchors of mappings"),
                    ),
                },
                Some(Pending::Key(key)) => {
                    if let Some(position) = positions.get(&key.text) {
                        if self.dialect == Dialect::Document {
                            let (first, _) = &entries[*position];
                            self.diagnostics.push(
                                Diagnostic::error(
                                    Code::DuplicateKey,
                                    key.span,
                                    format!("duplicate key `{}`", key.text),
                                )
                                .label("again here")
                                .also(first.span, "first here")
                                .help("keep one of the two"),
                            );
                        }
                    } else {
                        positions.insert(key.text.clone(), entries.len());
                        entries.push((key, node));
                    }
                }
                Some(Pending::Refused) => {}
            },
        }
        Ok(())
    }

    /// Adds merged entries behind the mapping's own; an entry that is there already wins.
    fn merge(
        &mut self,
        mut entries: Vec<(Key, Node)>,
        mut positions: BTreeMap<String, usize>,
        merges: Vec<Node>,
    ) -> Vec<(Key, Node)> {
        let mappings = merges.into_iter().flat_map(|node| match node.kind {
            Kind::Sequence(items) => items,
            _ => vec![node],
        });
        for mapping in mappings {
            let Kind::Mapping(merged) = mapping.kind else { continue };
            for (key, value) in merged {
                if !positions.contains_key(&key.text) {
                    positions.insert(key.text.clone(), entries.len());
                    entries.push((key, value));
                }
            }
        }
        entries
    }
}

fn is_mergeable(node: &Node) -> Result<(), Span> {
    match &node.kind {
        Kind::Mapping(_) => Ok(()),
        Kind::Sequence(items) => match items.iter().find(|item| !matches!(item.kind, Kind::Mapping(_))) {
            None => Ok(()),
            Some(item) => Err(item.span),
        },
        Kind::Scalar { .. } => Err(node.span),
    }
}

/// What a node in a key's place is, and what is to be said about it.
fn read_key(node: Node, dialect: Dialect, source_text: &str) -> (Pending, Option<Diagnostic>) {
    let (span, origin) = (node.span, node.origin);
    let refuse = |what: &str, help: String| {
        let diagnostic = Diagnostic::error(Code::NonStringKey, span, format!("the key is {what}, not text"));
        (Pending::Refused, Some(diagnostic.help(help)))
    };
    match node.kind {
        Kind::Scalar { text, plain: true } if text == "<<" => (Pending::Merge(span), None),
        Kind::Scalar { text, plain } => {
            if plain && dialect == Dialect::Document {
                let what = match resolve(&text) {
                    Plain::Null => "nothing",
                    Plain::Bool(_) => "a boolean",
                    Plain::Integer(_) | Plain::Float(_) => "a number",
                    Plain::Text => "",
                };
                if !what.is_empty() {
                    let shown = source_text.get(span.start..span.end).unwrap_or(&text);
                    return refuse(what, format!("write it in quotes: `\"{shown}\"`"));
                }
            }
            (Pending::Key(Key { text, span, origin }), None)
        }
        Kind::Sequence(_) => refuse("a list", "use text as the key".to_owned()),
        Kind::Mapping(_) => refuse("a mapping", "use text as the key; a value like `{{ x }}` needs quotes".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Node {
        let mut parsed = parse(0, text, Dialect::Document).unwrap();
        assert_eq!(parsed.diagnostics, []);
        parsed.documents.pop().unwrap()
    }

    #[test]
    fn scalars_keep_their_text() {
        let node = only("a: NO\nb: 1.30\nc: 0644\nd: 52:54:00:12:34:56\ne:\nf: ''\n");
        let text = |key| node.entry(key).unwrap().1.text();
        assert_eq!(text("a"), Some("NO"));
        assert_eq!(text("b"), Some("1.30"));
        assert_eq!(text("c"), Some("0644"));
        assert_eq!(text("d"), Some("52:54:00:12:34:56"));
        assert_eq!(text("e"), None);
        assert_eq!(text("f"), Some(""));
    }

    #[test]
    fn own_keys_win_over_merged_ones_and_the_first_merge_wins() {
        let node = only("x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], a: 3}\n");
        let z = node.entry("z").unwrap().1;
        let text = |key| z.entry(key).unwrap().1.text().unwrap();
        assert_eq!((text("a"), text("b"), text("c")), ("3", "1", "2"));
    }

    #[test]
    fn an_alias_is_where_it_is_used_and_remembers_where_it_was_said() {
        let text = "x: &x [gr\u{fc}n]\ny: *x\n";
        let node = only(text);
        let Kind::Sequence(items) = &node.entry("y").unwrap().1.kind else { panic!("a list") };
        assert_eq!(&text[items[0].span.start..items[0].span.end], "*x");
        let origin = items[0].origin.unwrap();
        assert_eq!(&text[origin.start..origin.end], "gr\u{fc}n");
    }

    #[test]
    fn the_core_schema_is_yaml_1_2() {
        assert_eq!(resolve("NO"), Plain::Text);
        assert_eq!(resolve("1.36.3"), Plain::Text);
        assert_eq!(resolve("0644"), Plain::Integer(644));
        assert_eq!(resolve("0o17"), Plain::Integer(15));
        assert_eq!(resolve("-0x1"), Plain::Text);
        assert_eq!(resolve("1e3"), Plain::Float(1000.0));
        assert_eq!(resolve("."), Plain::Text);
        assert_eq!(resolve("e3"), Plain::Text);
        assert_eq!(resolve("True"), Plain::Bool(true));
    }

    #[test]
    fn billions_of_laughs_are_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let alias = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", vec![alias; 10].join(", ")));
        }
        assert_eq!(parse(0, &text, Dialect::Document).err().unwrap().code, Code::TooLarge);
    }

    #[test]
    fn long_texts_are_refused() {
        let text = "#".repeat(TEXT_LIMIT + 1);
        assert_eq!(parse(0, &text, Dialect::Document).err().unwrap().code, Code::TooLarge);
    }

    #[test]
    fn depth_counts_through_aliases() {
        let deep = |levels: usize| format!("{}x{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(0, &format!("a: {}", deep(60)), Dialect::Document).is_ok());
        assert_eq!(parse(0, &deep(70), Dialect::Document).err().unwrap().code, Code::TooLarge);
        let aliased = format!("a: &a {}\nb: {}", deep(40), deep(40).replace('x', "*a"));
        assert_eq!(parse(0, &aliased, Dialect::Document).err().unwrap().code, Code::TooLarge);
    }
}
