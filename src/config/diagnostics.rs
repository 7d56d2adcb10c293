//! Messages about the document: what is wrong, where, and how to put it right.
//!
//! In: spans and sentences from loading and from the rules. Out: all of them at once, in the order of the text,
//! drawn the way rustc draws them. Knows nothing of what the document means.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Deref;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::catalogue::Code;

/// A place in a source: byte offsets, the end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Which source of [`Sources`]; the document is 0.
    pub source: u32,
    /// First byte.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// A value and where the document says it.
///
/// Dereferences to the value. Comparing two means comparing their `value`s or their `span`s, so there is no `Eq`.
#[derive(Debug, Clone, Copy)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value at a place.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), span: self.span }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(formatter)
    }
}

/// The texts that spans point into.
#[derive(Debug, Clone, Default)]
pub struct Sources(Vec<Source>);

#[derive(Debug, Clone)]
struct Source {
    name: String,
    text: String,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Sources {
    /// No text yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a text and returns its number, for [`Span::source`]. A byte order mark is not part of the text.
    pub fn add(&mut self, name: &str, text: &str) -> u32 {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        self.0.push(Source { name: name.to_owned(), text: text.to_owned(), lines });
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    /// The name of a source, as the user wrote it.
    pub fn name(&self, source: u32) -> Option<&str> {
        self.get(source).map(|source| source.name.as_str())
    }

    /// The text of a source, without a byte order mark.
    pub fn text(&self, source: u32) -> Option<&str> {
        self.get(source).map(|source| source.text.as_str())
    }

    fn get(&self, source: u32) -> Option<&Source> {
        self.0.get(usize::try_from(source).ok()?)
    }

    /// Line and column of a span's first character, both from 1, the column in characters.
    pub fn position(&self, span: Span) -> Option<(usize, usize)> {
        let source = self.get(span.source)?;
        let line = source.lines.partition_point(|start| *start <= span.start);
        let start = *source.lines.get(line.checked_sub(1)?)?;
        Some((line, source.text.get(start..span.start)?.chars().count() + 1))
    }

    /// The line that is so many lines below the one in which a span begins, when it holds this text and no more.
    pub(super) fn line_below(&self, span: Span, lines: usize, wanted: &str) -> Option<Span> {
        let text = self.text(span.source)?;
        let mut start = text.get(..span.start)?.rfind('\n').map_or(0, |newline| newline + 1);
        for _ in 0..lines {
            start += text.get(start..)?.find('\n')? + 1;
        }
        let line = text.get(start..)?.lines().next()?;
        let start = start + line.len() - line.trim_start().len();
        (line.trim() == wanted).then(|| Span { start, end: start + wanted.len(), ..span })
    }

    /// Forgets a source's text, so that nothing can show it.
    pub(super) fn hide(&mut self, source: u32) {
        if let Some(source) = usize::try_from(source).ok().and_then(|source| self.0.get_mut(source)) {
            source.text.clear();
        }
    }

    /// The line in which a span begins, unless there is nothing in the text, the line is too long to be drawn, or it
    /// holds a private key.
    fn line(&self, span: Span) -> Option<std::ops::Range<usize>> {
        let text = self.text(span.source).filter(|text| !text.is_empty())?;
        let offset = text.floor_char_boundary(span.start.min(text.len()));
        let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[offset..].find('\n').map_or(text.len(), |newline| offset + newline);
        let line = text[start..end].trim_end_matches('\r');
        (line.len() <= DRAWN_LINE && !line.contains("PRIVATE KEY")).then_some(start..start + line.len())
    }

    /// The part of a span that one line can show: to the end of its first line, and inside the text.
    fn drawn(&self, span: Span) -> std::ops::Range<usize> {
        let Some(text) = self.text(span.source) else { return 0..0 };
        let whole = text.floor_char_boundary(span.start)..text.ceil_char_boundary(span.end.max(span.start));
        let line = text[whole.clone()].lines().next().unwrap_or_default().trim_end();
        whole.start..whole.start + line.len()
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is written.
    Error,
    /// Said, and no byte is different for it.
    Warning,
}

impl Severity {
    const fn level(self) -> Level<'static> {
        match self {
            Self::Error => Level::ERROR,
            Self::Warning => Level::WARNING,
        }
    }
}

/// One message: what is wrong, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Which kind of mistake, for `hagen explain`.
    pub code: Code,
    /// What is wrong: one sentence, lower-case, without a full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// A word or two under the carets.
    pub label: Option<String>,
    /// Other places that matter, each with its words.
    pub secondary: Vec<(Span, String)>,
    /// How to put it right.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            code,
            message: message.into(),
            span,
            label: None,
            secondary: Vec::new(),
            help: None,
        }
    }

    /// A warning at a place.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, span, message) }
    }

    /// With words under the carets.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// With another place that matters.
    #[must_use]
    pub fn also(mut self, span: Span, label: impl Into<String>) -> Self {
        self.secondary.push((span, label.into()));
        self
    }

    /// With a line that says how to put it right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The message with its piece of the source, without a line break at the end.
    fn render(&self, sources: &Sources, renderer: &Renderer) -> String {
        let mut group =
            Group::with_title(self.severity.level().primary_title(self.message.as_str()).id(self.code.as_str()));
        let mut others: Vec<u32> = self.secondary.iter().map(|(span, _)| span.source).collect();
        others.retain(|source| *source != self.span.source);
        others.sort_unstable();
        others.dedup();
        let mut far = Vec::new();
        for number in std::iter::once(self.span.source).chain(others) {
            let Some(source) = sources.get(number) else { continue };
            let primary = (number == self.span.source).then_some((self.span, self.label.as_deref()));
            let secondary = self.secondary.iter().filter(|(span, _)| span.source == number);
            let secondary: Vec<(Span, &str)> = secondary.map(|(span, label)| (*span, label.as_str())).collect();
            let Some(first) = primary.map(|(span, _)| span).or(secondary.first().map(|(span, _)| *span)) else {
                continue;
            };
            let Some(mut shown) = sources.line(first) else {
                // Nothing to draw, or too much.
                let (line, column) = sources.position(first).unwrap_or((1, 1));
                group = group.element(Origin::path(source.name.as_str()).line(line).char_column(column));
                continue;
            };
            let mut drawn = Vec::new();
            for (span, label) in secondary {
                let line = sources.line(span);
                let both = line.map(|line| shown.start.min(line.start)..shown.end.max(line.end));
                match both.filter(|both| both.len() <= DRAWN) {
                    Some(both) => {
                        shown = both;
                        drawn.push((span, label));
                    }
                    None => {
                        let (line, column) = sources.position(span).unwrap_or((1, 1));
                        far.push(format!("{label}: {}:{line}:{column}", source.name));
                    }
                }
            }
            let (first_line, _) = sources.position(Span { start: shown.start, ..first }).unwrap_or((1, 1));
            let within = |span: Span| {
                let range = sources.drawn(span);
                // A place may be among carriage returns at the line's end, which are not drawn.
                let inside = |offset: usize| offset.clamp(shown.start, shown.end) - shown.start;
                inside(range.start)..inside(range.end)
            };
            let text = source.text.get(shown.clone()).unwrap_or_default();
            let mut snippet = Snippet::source(text).path(source.name.as_str()).line_start(first_line);
            if let Some((span, label)) = primary {
                snippet = snippet.annotation(AnnotationKind::Primary.span(within(span)).label(label));
            }
            for (span, label) in drawn {
                snippet = snippet.annotation(AnnotationKind::Context.span(within(span)).label(label));
            }
            group = group.element(snippet);
        }
        for place in far {
            group = group.element(Level::NOTE.message(place));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

/// Most bytes of a source, and of one line, that are drawn around a place.
const DRAWN: usize = 64 << 10;
const DRAWN_LINE: usize = 4 << 10;

/// Most characters of a message: it may quote the document.
const MESSAGE: usize = 400;

/// How many messages are drawn, and how many a program gets.
const SHOWN: usize = 100;
const LISTED: usize = 1000;

/// A message about a file whose text must not be shown, or about none; drawn as the others, ending with a line break.
/// `origin` is the file's name, and line and column from 1 where they are known.
pub fn render_without_text(
    severity: Severity,
    code: Code,
    message: &str,
    origin: Option<(&str, Option<(u64, u64)>)>,
    help: &str,
    colour: bool,
) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut group = Group::with_title(severity.level().primary_title(message).id(code.as_str()));
    if let Some((name, position)) = origin {
        let mut origin = Origin::path(name);
        if let Some((line, column)) = position {
            let number = |number| usize::try_from(number).unwrap_or(usize::MAX);
            origin = origin.line(number(line)).char_column(number(column));
        }
        group = group.element(origin);
    }
    let group = group.element(Level::HELP.message(help));
    format!("{}\n", renderer.decor_style(DecorStyle::Ascii).term_width(400).render(&[group]))
}

/// All messages of one run, with the texts they point into.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics {
    sources: Sources,
    /// How many of the sources are the document itself.
    documents: u32,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Nothing to say yet; the first `documents` sources will be the document's own.
    pub fn new(documents: usize) -> Self {
        let documents = u32::try_from(documents).unwrap_or(u32::MAX);
        Self { sources: Sources::new(), documents, list: Vec::new() }
    }

    /// Adds a message.
    pub fn push(&mut self, mut diagnostic: Diagnostic) {
        for text in [Some(&mut diagnostic.message), diagnostic.help.as_mut()].into_iter().flatten() {
            if let Some((end, _)) = text.char_indices().nth(MESSAGE) {
                *text = format!("{}...", &text[..end]);
            }
            if text.contains(char::is_control) {
                // A block scalar's line break, say.
                let escape = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
                *text = text.chars().map(escape).collect();
            }
        }
        self.list.push(diagnostic);
    }

    /// Sorts by place, and drops what was said before: a mapping that is merged twice has its mistakes twice.
    pub fn sort(&mut self) {
        self.list.sort_by_key(|diagnostic| diagnostic.span);
        let mut said = BTreeSet::new();
        self.list.retain(|diagnostic| said.insert((diagnostic.span, diagnostic.code, diagnostic.message.clone())));
    }

    /// The texts.
    pub const fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The texts, to add another.
    pub const fn sources_mut(&mut self) -> &mut Sources {
        &mut self.sources
    }

    /// The messages.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// Whether there is nothing to say.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many messages there are.
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether one of the messages is an error.
    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many of the messages are errors.
    pub fn errors(&self) -> usize {
        self.list.iter().filter(|diagnostic| diagnostic.severity == Severity::Error).count()
    }

    /// Makes errors of all warnings (`--strict`).
    pub fn deny_warnings(&mut self) {
        for diagnostic in &mut self.list {
            diagnostic.severity = Severity::Error;
        }
    }

    /// Everything as text, ending with a line break; with ANSI colours when asked for. The last line counts; more than
    /// a hundred messages are nobody's to read, and only counted.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        // A width that never cuts a line short: what is shown depends on the document alone.
        let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(400);
        let mut text = String::new();
        for diagnostic in self.list.iter().take(SHOWN) {
            text.push_str(&diagnostic.render(&self.sources, &renderer));
            text.push_str("\n\n");
        }
        if let Some((level, summary)) = self.summary() {
            text.push_str(&renderer.render(&[Group::with_title(level.primary_title(summary))]));
            text.push('\n');
        }
        text
    }

    /// How much is wrong, where; nothing when nothing is.
    fn summary(&self) -> Option<(Level<'static>, String)> {
        let names: Vec<&str> = (0..self.documents).filter_map(|number| self.sources.name(number)).collect();
        let count = |number: usize, what: &str| match number {
            0 => None,
            1 => Some(format!("1 {what}")),
            _ => Some(format!("{number} {what}s")),
        };
        let errors = self.errors();
        let counts: Vec<String> =
            [count(errors, "error"), count(self.len() - errors, "warning")].into_iter().flatten().collect();
        let level = if errors > 0 { Level::ERROR } else { Level::WARNING };
        let rest = if self.len() > SHOWN { format!("; the first {SHOWN} are shown") } else { String::new() };
        (!counts.is_empty()).then(|| (level, format!("{} in {}{rest}", counts.join(" and "), names.join(" + "))))
    }

    /// Everything for programs, the first thousand messages. Lines and columns count from 1, columns in characters; offsets are bytes of the text
    /// without a byte order mark, an end is exclusive.
    pub fn to_json(&self) -> serde_json::Value {
        let place = |span: Span| {
            let position = |offset: usize| {
                let (line, column) = self.sources.position(Span { start: offset, ..span }).unwrap_or((1, 1));
                serde_json::json!({"line": line, "column": column, "offset": offset})
            };
            (self.sources.name(span.source).unwrap_or_default(), position(span.start), position(span.end))
        };
        let related = |(span, label): &(Span, String)| {
            let (file, start, end) = place(*span);
            serde_json::json!({"file": file, "start": start, "end": end, "message": label})
        };
        let diagnostics: Vec<serde_json::Value> = self
            .list
            .iter()
            .take(LISTED)
            .map(|diagnostic| {
                let (file, start, end) = place(diagnostic.span);
                serde_json::json!({
                    "severity": match diagnostic.severity {
                        Severity::Error => "error",
                        Severity::Warning => "warning",
                    },
                    "code": diagnostic.code.as_str(),
                    "message": diagnostic.message,
                    "file": file,
                    "start": start,
                    "end": end,
                    "label": diagnostic.label,
                    "related": diagnostic.secondary.iter().map(related).collect::<Vec<_>>(),
                    "help": diagnostic.help,
                })
            })
            .collect();
        serde_json::json!({"errors": self.errors(), "warnings": self.len() - self.errors(), "diagnostics": diagnostics})
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
