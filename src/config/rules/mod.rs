//! What a document must mean, beyond its shape; one file a theme.
//!
//! In: what could be read of the document, and its tree for the places. Out: messages. A rule looks only at values
//! that are there, so a wrong value elsewhere never hides it and never makes it guess.

mod addresses;
pub(super) mod arguments;
mod certificates;
pub(super) mod containerd;
pub(super) mod files;
pub(super) mod images;
pub(super) mod kube_vip;
pub(super) mod labels;
mod media;
mod network;
mod nodes;
pub(super) mod proxmox;
pub(super) mod pxe;
mod ranges;
pub(super) mod software;
mod systems;
mod usb;
pub(super) mod users;
mod versions;

use std::collections::BTreeMap;

use super::Options;
use super::catalogue::Code;
use super::decode::{Draft, NodeDraft};
use super::diagnostics::{Diagnostic, Span};
use super::reader::Context;
use super::tree::{Kind, Node};

/// What the rules look at.
pub(super) struct Subject<'n> {
    pub draft: &'n Draft,
    pub root: &'n Node,
    pub options: &'n Options,
    pub context: &'n Context<'n>,
}

/// Runs every rule.
pub(super) fn check(subject: &Subject<'_>) {
    versions::check(subject);
    arguments::check(subject);
    ranges::check(subject);
    kube_vip::check(subject);
    certificates::check(subject);
    users::check(subject);
    files::check(subject);
    nodes::check(subject);
    proxmox::check(subject);
    systems::check(subject);
    software::check(subject);
    pxe::check(subject);
    labels::check(subject);
    addresses::check(subject);
    network::check(subject);
    usb::check(subject);
    media::check(subject);
}

impl<'n> Subject<'n> {
    fn push(&self, diagnostic: Diagnostic) {
        self.context.push(diagnostic);
    }

    /// The place of a value, by the keys that lead to it; the nearest place above it when it is a default.
    fn at(&self, keys: &[&str]) -> Place<'n> {
        keys.iter().fold(Place { node: Some(self.root), span: self.root.span, key: self.root.span }, |place, key| {
            place.key(key)
        })
    }

    /// Says of every value after the first that it is there already.
    fn duplicates<T: Ord + Copy>(
        &self,
        code: Code,
        values: impl Iterator<Item = (T, Span)>,
        message: impl Fn(T) -> String,
        help: &str,
    ) {
        let mut seen: BTreeMap<T, Span> = BTreeMap::new();
        for (value, span) in values {
            match seen.get(&value) {
                Some(first) => self.push(
                    Diagnostic::error(code, span, message(value))
                        .label("again here")
                        .also(*first, "first here")
                        .help(help),
                ),
                None => {
                    seen.insert(value, span);
                }
            }
        }
    }

    /// The nodes that could be read, each with its place.
    fn nodes(&self) -> impl Iterator<Item = (&'n NodeDraft, Place<'n>)> {
        let nodes = self.at(&["nodes"]);
        let drafts = self.draft.nodes.as_deref().unwrap_or_default();
        drafts.iter().enumerate().map(move |(index, draft)| (draft, nodes.item(index)))
    }
}

/// One name for all nodes of a kind, and where the first of them is; `None` where there are none.
fn together<'n>(nodes: &[(&NodeDraft, Place<'n>)]) -> Option<(String, Span)> {
    let ((first, place), others) = nodes.split_first()?;
    let name = first.name.as_ref().map_or("?", |name| name.value.as_str());
    let others = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
    Some((format!("`{name}`{others}"), place.key("name").span))
}

/// A place in the tree.
#[derive(Clone, Copy)]
struct Place<'n> {
    node: Option<&'n Node>,
    /// Where the value stands.
    span: Span,
    /// Where its key stands.
    key: Span,
}

impl Place<'_> {
    fn key(self, key: &str) -> Self {
        match self.node.and_then(|node| node.entry(key)) {
            Some((key, node)) => Self { node: Some(node), span: node.span, key: key.span },
            None => Self { node: None, ..self },
        }
    }

    fn item(self, index: usize) -> Self {
        match self.node.map(|node| &node.kind) {
            Some(Kind::Sequence(items)) => match items.get(index) {
                Some(node) => Self { node: Some(node), span: node.span, key: node.span },
                None => Self { node: None, ..self },
            },
            _ => Self { node: None, ..self },
        }
    }
}
