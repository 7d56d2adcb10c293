//! `hagen schema`, `completions` and `man`: what editors, shells and packages want.

use anyhow::Context as _;
use clap::CommandFactory as _;
use hagen::reference::{Kind, json_schema};

use super::{Arguments, CompletionsArguments, Failure, ManArguments, SchemaArguments, print};

/// Runs `schema`.
pub fn schema(arguments: &SchemaArguments) -> Result<(), Failure> {
    let kind = if arguments.overlay { Kind::Overlay } else { Kind::Document };
    print(json_schema(kind).as_bytes())
}

/// Runs `completions`.
pub fn completions(arguments: &CompletionsArguments) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "hagen", &mut script);
    print(&script)
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
