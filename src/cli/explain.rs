//! `hagen explain`: what a code means.

use hagen::config::catalogue::Code;

use super::{ExplainArguments, Failure, print};

/// Runs the verb.
pub fn run(arguments: &ExplainArguments) -> Result<(), Failure> {
    let Some(wanted) = &arguments.code else {
        let lines: Vec<String> =
            Code::ALL.iter().map(|code| format!("{}  {}\n", code.as_str(), code.title())).collect();
        return print(lines.concat().as_bytes());
    };
    let number = wanted.to_ascii_uppercase();
    let number: Option<u32> = number.strip_prefix("HAGEN").unwrap_or(&number).parse().ok();
    let code = number.and_then(|number| Code::ALL.iter().find(|code| code.as_str() == format!("HAGEN{number:03}")));
    let Some(code) = code else {
        return Err(Failure::Input(format!("error: there is no code `{wanted}`\nhelp: `hagen explain` lists all")));
    };
    print(format!("{}: {}\n\n{}\n", code.as_str(), code.title(), fill(code.explanation(), 80)).as_bytes())
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
