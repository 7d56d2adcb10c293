//! hagen's binary: dispatch and exit codes.

mod cli;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let outcome = match cli::Arguments::parse().verb {
        cli::Verb::Init(arguments) => cli::init::run(&arguments),
        cli::Verb::Check(arguments) => cli::check::run(&arguments),
        cli::Verb::Render(arguments) => cli::render::run(&arguments),
        cli::Verb::Images(arguments) => cli::images::run(&arguments),
        cli::Verb::Secrets(arguments) => cli::secrets::run(&arguments),
        cli::Verb::Explain(arguments) => cli::explain::run(&arguments),
        cli::Verb::Schema(arguments) => cli::tools::schema(&arguments),
        cli::Verb::Completions(arguments) => cli::tools::completions(&arguments),
        cli::Verb::Man(arguments) => cli::tools::man(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
