//! `hagen explain`: what a code means.

use std::io::{self, Write as _};

use hagen::config::catalogue::Code;

use super::{ExplainArguments, Failure};

/// Runs the verb.
pub fn run(arguments: &ExplainArguments) -> Result<(), Failure> {
    let mut out = io::stdout();
    let Some(wanted) = &arguments.code else {
        for code in Code::ALL {
            // A closed pipe is the reader's choice.
            let _ = writeln!(out, "{}  {}", code.as_str(), code.title());
        }
        return Ok(());
    };
    let number = wanted.to_ascii_uppercase();
    let number: Option<u32> = number.strip_prefix("HAGEN").unwrap_or(&number).parse().ok();
    let code = number.and_then(|number| Code::ALL.iter().find(|code| code.as_str() == format!("HAGEN{number:03}")));
    let Some(code) = code else {
        return Err(Failure::Input(format!("error: there is no code `{wanted}`\nhelp: `hagen explain` lists all")));
    };
    let _ = writeln!(out, "{}: {}\n", code.as_str(), code.title());
    let _ = writeln!(out, "{}", fill(code.explanation(), 80));
    Ok(())
}

/// Breaks a text into lines of at most `width` characters.
fn fill(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
