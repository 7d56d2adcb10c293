//! `hagen render`: reads the document and its secrets, calls the pure renderer, hands the tree to the writer.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Read as _, Write as _};

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use hagen::cluster::Part;
use hagen::config;
use hagen::config::diagnostics::Severity;
use hagen::config::schema::{Certificates, Credentials};
use hagen::format::gzip;
use hagen::os::Format;
use hagen::payload;
use hagen::render::{Options, RenderError, Rendered, expiry, kibibytes, render};
use hagen::secrets::Secrets;
use time::OffsetDateTime;

use super::document::{self, Loaded};
use super::{Failure, RenderArguments, columns, now, parse_secrets, print, write_secrets};
use crate::output;

/// Runs the verb.
pub fn run(arguments: &RenderArguments) -> Result<(), Failure> {
    let options = config::Options { allow_untested: arguments.allow_untested, media: arguments.media.clone() };
    let Loaded { result, contents, files } = document::read(&arguments.documents, &options)?;
    let colour = io::stderr().is_terminal();
    let (document, mut diagnostics) = match result {
        Ok((document, warnings)) => (Some(document), warnings),
        Err(errors) => (None, errors),
    };
    if arguments.strict {
        diagnostics.deny_warnings();
    }
    if !diagnostics.is_empty() {
        let _ = write!(io::stderr(), "{}", diagnostics.render(colour));
    }
    let document = match document {
        Some(document) if !diagnostics.has_errors() => document,
        _ => return Err(Failure::Input("nothing was written".to_owned())),
    };

    let payload = arguments.payload.as_deref().map(|folder| super::payload::read(folder, &document)).transpose()?;
    let now = now();
    let (secrets, secrets_text) = load_secrets(arguments, now)?;
    let inputs: Vec<&[u8]> = contents
        .iter()
        .map(Vec::as_slice)
        .chain([secrets_text.as_bytes()])
        .chain(files.iter().flat_map(|((_, name), bytes)| [name.as_bytes(), bytes.as_slice()]))
        .collect();
    let rendered = render(
        &document,
        &secrets,
        &inputs,
        &Options { plain_tree: arguments.tree, media: arguments.media.clone() },
        payload,
    )
    .map_err(|error| match error {
        RenderError::TooLarge(bundles) => {
            let said: Vec<String> = bundles.iter().map(|bundle| bundle.render(colour)).collect();
            Failure::Input(format!("{}\nnothing was written", said.join("\n")))
        }
        error => Failure::Input(format!("error: {error}")),
    })?;
    warn_of_expiry(rendered.certificates_until, now, arguments.strict)?;
    output::write(&rendered.tree, &arguments.out)?;

    if arguments.json {
        return print(rendered.tree.content("manifest.json").unwrap_or_default());
    }
    if !arguments.quiet && io::stdout().is_terminal() {
        let software = &document.software;
        let takes_payload = software.installs || software.loads_images;
        return print(table(&rendered, &arguments.out, takes_payload).as_bytes());
    }
    Ok(())
}

/// The secrets and their text; the first render makes them.
fn load_secrets(arguments: &RenderArguments, now: OffsetDateTime) -> Result<(Secrets, String), Failure> {
    if arguments.secrets.as_deref() == Some(Utf8Path::new("-")) {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).context("reading secrets from standard input")?;
        return Ok((parse_secrets("standard input", &text)?, text));
    }
    let path: Utf8PathBuf = match &arguments.secrets {
        Some(path) => path.clone(),
        None => match arguments.documents.as_slice() {
            [document] => document.with_extension("secrets.yaml"),
            // Sites that share a base must not share authorities by accident.
            _ => {
                return Err(Failure::Input(
                    "error: which secrets file belongs to these documents?\nhelp: say it with --secrets FILE; every cluster has its own"
                        .to_owned(),
                ));
            }
        },
    };
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok((parse_secrets(path.as_str(), &text)?, text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !arguments.locked => {
            if arguments.out.join("manifest.json").exists() {
                // A slip in a name must not start a second cluster in the place of the first.
                return Err(Failure::Input(format!(
                    "error: {path} does not exist, but {} was rendered from a secrets file\nhelp: name that file with --secrets, or remove {} to begin a new cluster",
                    arguments.out, arguments.out
                )));
            }
            let mut seed = [0; 32];
            #[expect(clippy::disallowed_methods, reason = "the one place that needs randomness")]
            getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
            let secrets = Secrets::new(seed, now);
            write_secrets(&path, &secrets)?;
            // Also with --quiet: it happens once, and whoever does not know of it loses the cluster with the file.
            let _ = writeln!(
                io::stderr(),
                "made {path}: every key of the cluster comes from it; keep it, and not in the clear in git"
            );
            let text = secrets.to_yaml().expose().clone();
            Ok((secrets, text))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::Input(format!(
            "error: {path} does not exist and --locked forbids making it\nhelp: give the file with --secrets, or render once without --locked"
        ))),
        Err(error) => Err(Failure::Files(anyhow::Error::new(error).context(format!("reading {path}")))),
    }
}

/// What depends on the clock is a warning on standard error, never a byte.
fn warn_of_expiry(until: OffsetDateTime, now: OffsetDateTime, strict: bool) -> Result<(), Failure> {
    let severity = if strict { Severity::Error } else { Severity::Warning };
    let Some(said) = expiry(until, now, severity, io::stderr().is_terminal()) else { return Ok(()) };
    if strict {
        return Err(Failure::Input(said));
    }
    let _ = write!(io::stderr(), "{said}");
    Ok(())
}

/// Node, role, address, size, dates; then what to do next.
fn table(rendered: &Rendered, out: &Utf8Path, takes_payload: bool) -> String {
    let nodes = &rendered.nodes;
    let mut rows = vec![
        ["NODE", "ROLE", "ADDRESS", "SEED", "GZIPPED", "JOINS UNTIL", "STARTS A CLUSTER UNTIL"].map(str::to_owned),
    ];
    for node in nodes {
        let role = match node.part {
            Part::Init => "control plane, first",
            Part::ControlPlane(Certificates::Upload) => "control plane",
            Part::ControlPlane(Certificates::Embed) => "control plane, embedded keys",
            Part::Worker(Credentials::Certificate) => "worker",
            Part::Worker(Credentials::Token) => "worker, by token",
        };
        let seed = match node.format {
            Format::CloudInit => format!("user-data {}", kibibytes(node.size)),
            Format::Ignition => format!("config.ign {}", kibibytes(node.size)),
        };
        let starts = node.starts_until.map_or_else(|| "-".to_owned(), minute);
        rows.push([
            node.name.clone(),
            role.to_owned(),
            node.address.clone(),
            seed,
            kibibytes(rendered.tree.content(&node.seed).map_or(0, |seed| gzip(seed).len())),
            minute(node.joins_until),
            starts,
        ]);
    }
    let mut text = columns(&rows);
    let out = out.as_str().trim_end_matches('/');
    let first = nodes.iter().find(|node| node.part == Part::Init).map_or("", |node| node.name.as_str());
    let has = |format| nodes.iter().any(|node| node.format == format);
    let seeds = match (has(Format::CloudInit), has(Format::Ignition)) {
        (_, false) => format!("{out}/nodes/NAME as a NoCloud seed"),
        (false, true) => format!("{out}/nodes/NAME/config.ign"),
        (true, true) => format!("{out}/nodes/NAME (a NoCloud seed, or config.ign)"),
    };
    let has_payload = rendered.tree.sha256(payload::FILE).is_some();
    let payload = if has_payload { format!(", with {out}/{} in a second drive", payload::FILE) } else { String::new() };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "\nGive each machine its own {seeds}{payload} and power them on in any order;\n\
         {first} starts the cluster. On a machine, hagen-status says how far it is. Then:\n\
         \n    kubectl --kubeconfig {out}/kubeconfig get nodes"
    );
    if takes_payload && !has_payload {
        let _ = writeln!(
            text,
            "\nEach machine needs {} as well, which this render did not write: render with `--payload DIR`.",
            payload::FILE
        );
    }
    text
}

/// A date and time that fits a table.
fn minute(moment: OffsetDateTime) -> String {
    format!("{} {:02}:{:02} UTC", moment.date(), moment.hour(), moment.minute())
}

#[cfg(test)]
mod tests {
    use hagen::format::{Entry, Tree};

    use super::*;

    /// A render without one takes the payload.iso of an earlier one away.
    #[test]
    fn a_payload_that_was_not_written_is_said() {
        let said = |takes_payload, has_payload: bool| {
            let mut rendered =
                Rendered { tree: Tree::default(), nodes: Vec::new(), certificates_until: OffsetDateTime::UNIX_EPOCH };
            if has_payload {
                rendered.tree.insert(payload::FILE, Entry::Stream { sha256: [0; 32], write: Box::new(|_| Ok(())) });
            }
            let text = table(&rendered, Utf8Path::new("out"), takes_payload);
            (text.contains("payload.iso in a second drive"), text.contains("this render did not write"))
        };
        assert_eq!(said(false, false), (false, false));
        assert_eq!(said(true, false), (false, true));
        assert_eq!(said(true, true), (true, false));
    }
}
