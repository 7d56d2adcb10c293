//! The document's JSON Schema (draft 2020-12), so that editors complete and check while typing.
//!
//! It says what can be said of one value at a time: keys, types, words, bounds, forms of text. What hagen accepts it
//! accepts as well. YAML's null stands for the default, as in hagen, and text that looks like a number is text.
//! An overlay's schema requires nothing but what names an item.

use serde_json::{Map, Value, json};

use crate::config::keys::{DOCUMENT, Form, Key, Presence, Shape};

/// What the schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A whole document.
    Document,
    /// A document that is laid over another.
    Overlay,
}

/// The schema as text, ending with a line break.
pub fn json_schema(kind: Kind) -> String {
    let mut schema = kind.mapping(DOCUMENT, None);
    schema.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    let title = match kind {
        Kind::Document => "hagen's document: one cluster",
        Kind::Overlay => "an overlay of hagen's document",
    };
    schema.insert("title".to_owned(), json!(title));
    format!("{:#}\n", Value::Object(schema))
}

impl Kind {
    fn mapping(self, keys: &[Key], identity: Option<&str>) -> Map<String, Value> {
        let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), self.property(key))).collect();
        let required: Vec<&str> = keys
            .iter()
            .filter(|key| if self == Self::Overlay { identity == Some(key.name) } else { key.is_required() })
            .map(|key| key.name)
            .collect();
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("additionalProperties".to_owned(), json!(false));
        schema.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            schema.insert("required".to_owned(), json!(required));
        }
        schema
    }

    fn property(self, key: &Key) -> Value {
        let mut schema = match key.presence {
            Presence::Planned(accepted) => {
                // YAML reads a bare word as it likes.
                let values = accepted.iter().flat_map(|word| match serde_json::from_str(word) {
                    Ok(value) => vec![value, json!(word)],
                    Err(_) => vec![json!(word)],
                });
                let values: Vec<Value> = [json!(null), json!([]), json!({})].into_iter().chain(values).collect();
                Map::from_iter([("enum".to_owned(), Value::Array(values))])
            }
            Presence::Required(_) => self.shape(key.shape),
            _ if key.is_required() && self == Self::Document => self.shape(key.shape),
            Presence::Default(_) | Presence::Optional(_) => or_null(self.shape(key.shape)),
        };
        let about = match key.presence {
            Presence::Planned(_) => format!("Not built yet. {}", key.about),
            Presence::Optional(meaning) => format!("{} Left away: {meaning}.", key.about),
            _ => key.about.to_owned(),
        };
        schema.insert("description".to_owned(), json!(about));
        if let Presence::Default(value) = key.presence
            && !matches!(key.shape, Shape::Mapping(_))
        {
            let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
            schema.insert("default".to_owned(), value);
        }
        Value::Object(schema)
    }

    fn shape(self, shape: Shape) -> Map<String, Value> {
        let schema = match shape {
            Shape::Mapping(keys) => return self.mapping(keys, None),
            Shape::Map(key, value) => {
                let value = match value {
                    Shape::Text(form) if form.empty || self == Self::Overlay => or_null(self.shape(*value)),
                    Shape::Mapping(_) => or_null(self.shape(*value)),
                    _ => self.shape(*value),
                };
                json!({"type": "object", "propertyNames": {"pattern": key.pattern}, "additionalProperties": value})
            }
            Shape::Object => json!({"type": "object"}),
            Shape::List(item) => json!({"type": "array", "items": self.shape(*item)}),
            Shape::Keyed(identity, keys) => {
                json!({"type": "array", "items": self.mapping(keys, Some(identity))})
            }
            Shape::OneOrList(item) => {
                json!({"anyOf": [self.shape(*item), {"type": "array", "items": self.shape(*item), "minItems": 1, "maxItems": 2}]})
            }
            Shape::Choice { built, .. } => json!({"enum": built}),
            Shape::Integer(low, high) => json!({"type": "integer", "minimum": low, "maximum": high}),
            Shape::Boolean => json!({"type": "boolean"}),
            Shape::Text(form) => text(form),
        };
        match schema {
            Value::Object(schema) => schema,
            _ => Map::new(),
        }
    }
}

/// The same schema, or null.
fn or_null(mut schema: Map<String, Value>) -> Map<String, Value> {
    if schema.contains_key("anyOf") {
        return Map::from_iter([("anyOf".to_owned(), json!([schema, {"type": "null"}]))]);
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
    if let Some(types) = schema.get_mut("type") {
        let mut list = match types.take() {
            Value::Array(list) => list,
            one => vec![one],
        };
        list.push(json!("null"));
        *types = Value::Array(list);
    }
    schema
}

fn text(form: &Form) -> Value {
    let types = if form.bare { json!(["string", "number", "boolean"]) } else { json!("string") };
    let mut schema = json!({"type": types, "examples": [form.example]});
    if !form.pattern.is_empty() {
        schema["pattern"] = json!(form.pattern);
    }
    schema
}
