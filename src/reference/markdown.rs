//! docs/reference.md and docs/errors.md.

use std::fmt::Write as _;

use super::{default, mappings, words};
use crate::config::catalogue::Code;

/// docs/reference.md: every key of the document.
pub fn reference() -> String {
    let mut text = "\
# The document

Written by `HAGEN_BLESS=1 cargo test --test reference` from `src/config/keys.rs`. Editors get the same from
`hagen schema`, terminals from `man hagen-document`.

Left away and null mean the same, the default; only under `labels` a key without a value has the empty one. Text needs no quotes, whatever it looks like (`1.30`, `NO`, `0644`, MAC
addresses); YAML itself wants them around text with `: ` or ` #`. Unknown keys are errors. What is *not built yet* is
refused with that message, never ignored.

`hagen render base.yaml site.yaml --secrets site.secrets.yaml -o out/` lays the second document over the first: mappings
are merged key by key; `nodes` and `users` item by item, by their name, `files` by their path; other lists and values are
replaced; null brings the default back, and takes a flag or a label away. Messages point into the file that says it, and
paths are relative to it. Every cluster has a secrets file of its own, so with several documents it is named.

`hagen check --json` prints `errors`, `warnings` and a list `diagnostics`, each with `severity`, `code`, `message`, `file`,
`start` and `end` (`line` and `column` from 1, columns in characters; `offset` in bytes without a byte order mark; the end
is exclusive), `label`, `related` places and `help`; at most a thousand.
"
    .to_owned();
    for (paths, keys) in mappings() {
        let title = paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
        let title = if title == "``" { "Top level" } else { &title };
        let _ = write!(text, "\n## {title}\n\n| key | value | default | |\n|---|---|---|---|\n");
        for key in keys {
            let default = default(key).unwrap_or_default();
            let _ = writeln!(text, "| `{}` | {} | {default} | {} |", key.name, words(key.shape), key.about);
        }
    }
    text
}

/// docs/errors.md: every code.
pub fn errors() -> String {
    let mut text = "\
# Codes

Written by `HAGEN_BLESS=1 cargo test --test reference` from `src/config/catalogue.rs`; `hagen explain CODE` says the
same. A code keeps its meaning for ever. `tests/invalid/` has a document for each that a document can cause, with the
message beside it.
"
    .to_owned();
    for code in Code::ALL {
        let _ = write!(text, "\n## {}: {}\n\n{}\n", code.as_str(), code.title(), code.explanation());
    }
    text
}
