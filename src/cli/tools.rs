//! `hagen schema`, `completions` and `man`: what editors, shells and packages want.

use std::io::{self, Write as _};

use anyhow::Context as _;
use clap::CommandFactory as _;

use super::{Arguments, CompletionsArguments, Failure, ManArguments};

/// Runs `schema`.
pub fn schema() -> Result<(), Failure> {
    // A closed pipe is the reader's choice.
    let _ = io::stdout().write_all(hagen::reference::json_schema().as_bytes());
    Ok(())
}

/// Runs `completions`.
pub fn completions(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "hagen", &mut script);
    let _ = io::stdout().write_all(&script);
    Ok(())
}

/// Runs `man`: a page for hagen, one for each verb, and one for the document.
pub fn man(arguments: &ManArguments) -> Result<(), Failure> {
    let folder = &arguments.folder;
    clap_mangen::generate_to(Arguments::command().disable_help_subcommand(true), folder)
        .with_context(|| format!("writing man pages to {folder}"))?;
    let page = folder.join("hagen-document.5");
    std::fs::write(&page, hagen::reference::man()).with_context(|| format!("writing {page}"))?;
    Ok(())
}
