//! hagen-document(5).

use clap_mangen::roff::{Roff, bold, italic, roman};

use super::{default, mappings, words};
use crate::config::keys::Presence;

/// The man page of the document.
pub fn man() -> String {
    let mut page = Roff::new();
    page.control("TH", ["hagen-document", "5", "", &format!("hagen {}", env!("CARGO_PKG_VERSION"))]);
    page.control("SH", ["NAME"]);
    page.text([roman("hagen-document - the YAML document that describes one cluster to hagen")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(
        "Left away and null mean the same: the default. Text needs no quotes, whatever it looks like. Unknown keys are \
         errors. What is not built yet is refused, never ignored. hagen-check(1) says all that is wrong.",
    )]);
    for (paths, keys) in mappings() {
        let paths = paths.join(", ");
        page.control("SH", [if paths.is_empty() { "TOP LEVEL" } else { &paths }]);
        for key in keys {
            page.control("TP", []);
            page.text([bold(key.name), roman(": "), italic(words(key.shape).replace('`', ""))]);
            let default = match (default(key), key.presence) {
                (None, _) => String::new(),
                (Some(word), Presence::Required(_)) => format!(" This key is {word}."),
                (Some(word), Presence::Planned(_)) => format!(" It is {word}."),
                (Some(value), _) => format!(" Default: {value}."),
            };
            page.text([roman(format!("{}{default}", key.about).replace('`', ""))]);
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text([roman("hagen(1), hagen-check(1), hagen-schema(1), hagen-explain(1)")]);
    page.render()
}
