//! The document described, for editors and people: all from the table in [`crate::config::keys`] and the catalogue.
//!
//! In: nothing. Out: the JSON Schema, docs/reference.md, docs/errors.md and the man page.

mod json_schema;
mod man;
mod markdown;

pub use json_schema::{Kind, json_schema};
pub use man::man;
pub use markdown::{errors, reference};

use crate::config::keys::{Key, Presence, Shape};

/// What a value looks like, in words.
fn words(shape: Shape) -> String {
    match shape {
        Shape::Mapping(_) => "mapping".to_owned(),
        Shape::Map(key, value) => format!("mapping of {} to {}", without_article(key.name), words(*value)),
        Shape::Object => "mapping of another program's fields".to_owned(),
        Shape::List(inner) => format!("list of {}", words(*inner)),
        Shape::Keyed(..) => "list of mappings".to_owned(),
        Shape::OneOrList(inner) => format!("{}, or a list of such", words(*inner)),
        Shape::Choice { built, planned } => {
            let built = built.iter().map(|word| format!("`{word}`"));
            let planned = planned.iter().map(|word| format!("`{word}` (not built yet)"));
            built.chain(planned).collect::<Vec<_>>().join(", ")
        }
        Shape::Integer(low, high) => format!("number from {low} to {high}"),
        Shape::Boolean => "`true` or `false`".to_owned(),
        Shape::Text(form) => without_article(form.name).to_owned(),
    }
}

fn without_article(name: &str) -> &str {
    name.strip_prefix("a ").or_else(|| name.strip_prefix("an ")).unwrap_or(name)
}

/// What it means when a key is left away, in words; nothing where its own keys say it.
fn default(key: &Key) -> Option<String> {
    Some(match (key.presence, key.shape) {
        (Presence::Required(_), _) => "required".to_owned(),
        (Presence::Default(_), Shape::Mapping(_)) => return None,
        (Presence::Default(value), _) => format!("`{value}`"),
        (Presence::Optional(meaning), _) => meaning.to_owned(),
        (Presence::Planned(_), _) => "not built yet".to_owned(),
    })
}

/// Every kind of mapping of the document with the paths where it is, the document itself first: `(["nodes[]"], its keys)`.
fn mappings() -> Vec<(Vec<String>, &'static [Key])> {
    fn below(path: &str, keys: &'static [Key], found: &mut Vec<(Vec<String>, &'static [Key])>) {
        let same = |known: &[Key]| known.iter().map(|key| key.about).eq(keys.iter().map(|key| key.about));
        match found.iter_mut().find(|(_, known)| same(known)) {
            Some((paths, _)) => paths.push(path.to_owned()),
            None => found.push((vec![path.to_owned()], keys)),
        }
        for key in keys.iter().filter(|key| !key.is_planned()) {
            let path = if path.is_empty() { key.name.to_owned() } else { format!("{path}.{}", key.name) };
            match key.shape {
                Shape::Mapping(keys) => below(&path, keys, found),
                Shape::Map(_, &Shape::Mapping(keys)) => below(&format!("{path}.NAME"), keys, found),
                Shape::Keyed(_, keys) | Shape::List(&Shape::Mapping(keys)) => below(&format!("{path}[]"), keys, found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    below("", crate::config::keys::DOCUMENT, &mut found);
    found
}
