//! `hagen secrets`: the secrets file's life after the first render.

use std::io::Write as _;

use anyhow::Context as _;

use super::{Failure, SecretsArguments, SecretsVerb, now, parse_secrets, write_secrets};

/// Runs the verb.
pub fn run(arguments: &SecretsArguments) -> Result<(), Failure> {
    let SecretsVerb::Renew { file } = &arguments.verb;
    let text = std::fs::read_to_string(file).with_context(|| format!("reading {file}"))?;
    let secrets = parse_secrets(file.as_str(), &text)?.with_issued_at(now());
    write_secrets(file, &secrets)?;
    // Nobody may be reading any more.
    let _ = writeln!(std::io::stderr(), "issuedAt is now: render again, and give machines their new bundles");
    Ok(())
}
