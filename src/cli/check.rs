//! `hagen check`: all that is wrong with a document, for people or for programs.

use std::io::{self, IsTerminal as _, Write as _};

use hagen::config::Options;
use hagen::config::schema::Role;

use super::{CheckArguments, Failure, document, print};

/// Runs the verb.
pub fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let options = Options { allow_untested: arguments.allow_untested, ..Options::default() };
    let (document, mut diagnostics) = match document::read(&arguments.documents, &options)?.result {
        Ok((document, warnings)) => (Some(document), warnings),
        Err(diagnostics) => (None, diagnostics),
    };
    if arguments.strict {
        diagnostics.deny_warnings();
    }
    if arguments.json {
        print(format!("{:#}\n", diagnostics.to_json()).as_bytes())?;
        return if diagnostics.has_errors() { Err(Failure::Said) } else { Ok(()) };
    }
    if diagnostics.has_errors() {
        return Err(Failure::Input(diagnostics.render(io::stderr().is_terminal())));
    }
    if !diagnostics.is_empty() {
        let _ = write!(io::stderr(), "{}", diagnostics.render(io::stderr().is_terminal()));
    }
    if let Some(document) = document {
        let planes = document.nodes.iter().filter(|node| node.role.value == Role::ControlPlane).count();
        let workers = document.nodes.len() - planes;
        let plural = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
        let summary = format!(
            "{}: Kubernetes {}, {}, {}\n",
            document.name.value,
            document.kubernetes.version.value,
            plural(planes, "control plane"),
            plural(workers, "worker")
        );
        print(summary.as_bytes())?;
    }
    Ok(())
}
