//! hagen's binary: dispatch and exit codes.

mod cli;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let outcome = match cli::Arguments::parse().verb {
        cli::Verb::Render(arguments) => cli::render::run(&arguments),
        cli::Verb::Secrets(arguments) => cli::secrets::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
