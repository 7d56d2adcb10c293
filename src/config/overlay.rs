//! One document laid over another, as trees: what the second says wins, and everything keeps its place.
//!
//! In: two trees, and the shape of the document from [`super::keys`]. Out: one. Mappings are merged key by key; a list
//! whose items are known by a key (`nodes`, `users`, `files`) item by item, new ones behind; anything else is replaced.
//! A null says "the default": in a mapping with free keys it takes the key away. What is wrong is said later, with the
//! place it came from.

use super::keys::Shape;
use super::tree::{Kind, Node};

/// Keys of which a mapping may have one: who writes one replaces the other.
const EXCLUSIVE: [(&str, &str); 1] = [("content", "source")];

/// `over` laid over `base`.
pub(super) fn overlay(base: Node, over: Node, shape: Shape) -> Node {
    let wrong = match shape {
        Shape::Mapping(_) | Shape::Map(..) | Shape::Object => !matches!(base.kind, Kind::Mapping(_)),
        Shape::List(_) | Shape::Keyed(..) => !matches!(base.kind, Kind::Sequence(_)),
        _ => false,
    };
    if wrong && !base.is_null() {
        // Stays, to be said: an overlay covers no mistake.
        return base;
    }
    let kind = match (base.kind, over.kind) {
        (Kind::Mapping(mut entries), Kind::Mapping(over)) => {
            for (one, other) in EXCLUSIVE {
                let says = |key: &str| over.iter().any(|(known, value)| known.text == key && !value.is_null());
                if says(one) != says(other) && matches!(shape, Shape::Mapping(_)) {
                    let dropped = if says(one) { other } else { one };
                    entries.retain(|(known, _)| known.text != dropped);
                }
            }
            for (key, value) in over {
                let inner = inner(shape, &key.text);
                match entries.iter().position(|(known, _)| known.text == key.text) {
                    Some(index) if value.is_null() && matches!(shape, Shape::Map(..) | Shape::Object) => {
                        entries.remove(index);
                    }
                    Some(index) => {
                        let (old_key, old) = entries.remove(index);
                        let value = overlay(old, value, inner);
                        // The key of what was replaced is where it was replaced.
                        let key = if value.span.source == key.span.source { key } else { old_key };
                        entries.insert(index, (key, value));
                    }
                    None => entries.push((key, value)),
                }
            }
            Kind::Mapping(entries)
        }
        (Kind::Sequence(items), Kind::Sequence(over)) if matches!(shape, Shape::Keyed(..)) => {
            Kind::Sequence(merge(items, over, shape))
        }
        (_, kind) => return Node { kind, ..over },
    };
    Node { kind, span: base.span, origin: base.origin }
}

/// Items of `over` go into the item of `items` with the same name. A second one of that name is left for the rule
/// against duplicates.
fn merge(items: Vec<Node>, over: Vec<Node>, shape: Shape) -> Vec<Node> {
    let Shape::Keyed(name, keys) = shape else { return over };
    let known = items.len();
    let mut merged: Vec<(Option<Node>, bool)> = items.into_iter().map(|item| (Some(item), false)).collect();
    for item in over {
        let called = |node: &Node| node.entry(name).and_then(|(_, node)| node.text()).map(str::to_owned);
        let wanted = called(&item);
        let same = merged[..known]
            .iter_mut()
            .find(|(old, done)| !done && wanted.is_some() && old.as_ref().and_then(called) == wanted);
        match same {
            Some((old, done)) => {
                *old = old.take().map(|old| overlay(old, item, Shape::Mapping(keys)));
                *done = true;
            }
            None => merged.push((Some(item), true)),
        }
    }
    merged.into_iter().filter_map(|(node, _)| node).collect()
}

/// The shape of a key's value.
fn inner(shape: Shape, key: &str) -> Shape {
    match shape {
        Shape::Mapping(keys) => keys.iter().find(|known| known.name == key).map_or(Shape::Object, |known| known.shape),
        Shape::Map(_, value) => *value,
        _ => Shape::Object,
    }
}
