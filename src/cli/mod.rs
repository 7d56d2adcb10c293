//! The command line: arguments as typed values, one file a verb. Only here are the clock, randomness, files and the
//! terminal touched.

pub mod check;
mod document;
pub mod explain;
pub mod images;
pub mod init;
mod payload;
pub mod render;
pub mod secrets;
pub mod tools;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use camino::{Utf8Path, Utf8PathBuf};
use clap::builder::PossibleValuesParser;
use clap::{Args, Parser, Subcommand};
use hagen::config::values::ClusterName;
use hagen::media::MEDIA;
use hagen::secrets::Secrets;
use time::OffsetDateTime;

/// One YAML file in, one first-boot bundle per machine out
///
/// The machines are powered on in any order and make themselves into a highly
/// available kubeadm cluster. Nothing is pushed to them, nothing is called
/// afterwards, nothing is fetched here.
///
/// Exit codes: 0 done, 1 something is wrong with the input, 2 wrong usage,
/// 3 a file could not be read or written.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 80)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Write a document to begin with
    Init(InitArguments),
    /// Say all that is wrong with a document
    Check(CheckArguments),
    /// Write one first-boot bundle per node
    Render(RenderArguments),
    /// Say which images and programs the machines need, and fetch them
    Images(ImagesArguments),
    /// Look after the secrets file
    Secrets(SecretsArguments),
    /// Explain a code such as HAGEN036, or list all
    Explain(ExplainArguments),
    /// Print the document's JSON Schema, for editors
    Schema(SchemaArguments),
    /// Print a completion script for a shell
    Completions(CompletionsArguments),
    /// Write the man pages
    Man(ManArguments),
}

/// Arguments of `init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// File to write, `-` for standard output; one that is there is left alone
    #[arg(default_value = "cluster.yaml")]
    pub document: Utf8PathBuf,
    /// The cluster's name
    #[arg(long, default_value = "homelab")]
    pub name: ClusterName,
    /// How many control planes: 1, 3, 5 or 7
    #[arg(long, value_name = "N", default_value = "3", value_parser = odd)]
    pub control_planes: u8,
    /// How many workers, at most 200
    #[arg(long, value_name = "M", default_value = "1", value_parser = clap::value_parser!(u8).range(0..=200))]
    pub workers: u8,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// The cluster's document; more are laid over it in order
    #[arg(required = true, value_name = "DOCUMENT")]
    pub documents: Vec<Utf8PathBuf>,
    /// Warnings are errors
    #[arg(long)]
    pub strict: bool,
    /// Accept a Kubernetes minor version that hagen was not tested with
    #[arg(long)]
    pub allow_untested: bool,
    /// Print JSON, with the place of each message
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// As the message shows it: HAGEN036, or 36
    pub code: Option<String>,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArguments {
    /// That of a document that is laid over another
    #[arg(long)]
    pub overlay: bool,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArguments {
    /// Which shell
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArguments {
    /// Folder to write them to, which must exist
    pub folder: Utf8PathBuf,
}

/// Arguments of `render`.
#[derive(Debug, Args)]
pub struct RenderArguments {
    /// The cluster's document; more are laid over it in order
    #[arg(required = true, value_name = "DOCUMENT")]
    pub documents: Vec<Utf8PathBuf>,
    /// Folder to write; an older one that hagen wrote is replaced in one move
    #[arg(short, long, value_name = "DIR")]
    pub out: Utf8PathBuf,
    /// Secrets file, `-` for standard input; made if it is missing [default:
    /// <document>.secrets.yaml beside the document, if there is but one]
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<Utf8PathBuf>,
    /// A missing secrets file is an error (for CI)
    #[arg(long)]
    pub locked: bool,
    /// Also write each node's files in the clear, under nodes/NAME/rootfs
    #[arg(long)]
    pub tree: bool,
    /// Also write what carries the bundles, besides the document's `media`
    #[arg(long, value_name = "MEDIUM", value_delimiter = ',', value_parser = PossibleValuesParser::new(MEDIA.map(|medium| medium.name)))]
    pub media: Vec<String>,
    /// Also write payload.iso, the disk with images and programs from this
    /// folder; something that is missing in it is an error
    #[arg(long, value_name = "DIR")]
    pub payload: Option<Utf8PathBuf>,
    /// Warnings are errors
    #[arg(long)]
    pub strict: bool,
    /// Accept a Kubernetes minor version that hagen was not tested with
    #[arg(long)]
    pub allow_untested: bool,
    /// Say nothing when all is well
    #[arg(short, long, conflicts_with = "json")]
    pub quiet: bool,
    /// Print manifest.json
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `images`.
#[derive(Debug, Args)]
pub struct ImagesArguments {
    /// The cluster's document; more are laid over it in order
    #[arg(required = true, value_name = "DOCUMENT")]
    pub documents: Vec<Utf8PathBuf>,
    /// Print a script that fetches all of it into a folder for render
    /// --payload
    #[arg(long, conflicts_with = "json")]
    pub script: bool,
    /// Accept a Kubernetes minor version that hagen was not tested with
    #[arg(long)]
    pub allow_untested: bool,
    /// Print JSON, node by node
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `secrets`.
#[derive(Debug, Args)]
pub struct SecretsArguments {
    /// What to do with it.
    #[command(subcommand)]
    pub verb: SecretsVerb,
}

/// The verbs of `secrets`.
#[derive(Debug, Subcommand)]
pub enum SecretsVerb {
    /// Move issuedAt to now: new leaf certificates and a new window to start
    /// the cluster in, the same keys and authorities
    Renew {
        /// The secrets file
        file: Utf8PathBuf,
    },
}

/// Why a verb failed, as people and scripts see it.
#[derive(Debug)]
pub enum Failure {
    /// The input is wrong; the text says where and how.
    Input(String),
    /// The input is wrong, and that was said on standard output.
    Said,
    /// A file could not be read or written.
    Files(anyhow::Error),
}

impl Failure {
    /// Says it on standard error.
    pub fn report(self) -> ExitCode {
        let (text, code) = match self {
            Self::Said => return ExitCode::from(1),
            Self::Input(text) => (text, 1),
            Self::Files(error) => (format!("error: {error:#}"), 3),
        };
        // Nobody may be reading any more.
        let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
        ExitCode::from(code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Files(error)
    }
}

/// Prints to standard output; a closed pipe is the reader's choice.
fn print(bytes: &[u8]) -> Result<(), Failure> {
    match std::io::stdout().write_all(bytes).and_then(|()| std::io::stdout().flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("writing to standard output").into())
        }
        _ => Ok(()),
    }
}

/// A table: a row a line, columns as wide as they need.
fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let lines = rows.iter().map(|row| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    });
    lines.collect()
}

/// Reads an odd number of control planes.
fn odd(text: &str) -> Result<u8, String> {
    match text.parse() {
        Ok(number @ (1 | 3 | 5 | 7)) => Ok(number),
        _ => Err("etcd needs an odd number of members: 1, 3, 5 or 7".to_owned()),
    }
}

/// Now, in whole seconds.
#[expect(clippy::disallowed_methods, reason = "the binary may look at the clock: for new secrets and for warnings")]
fn now() -> OffsetDateTime {
    let now = OffsetDateTime::from(std::time::SystemTime::now());
    now.replace_nanosecond(0).unwrap_or(now)
}

/// Reads a secrets file's text as a value; what is wrong is said with the file's name.
fn parse_secrets(name: &str, text: &str) -> Result<Secrets, Failure> {
    Secrets::parse(text).map_err(|error| Failure::Input(error.render(name, std::io::stderr().is_terminal())))
}

/// Writes a secrets file: whole or not at all, and readable by its owner alone.
fn write_secrets(path: &Utf8Path, secrets: &Secrets) -> anyhow::Result<()> {
    use anyhow::Context as _;
    let folder = path.parent().filter(|folder| !folder.as_str().is_empty()).unwrap_or(Utf8Path::new("."));
    // Mode 0600 from the first moment.
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(|| format!("writing {path}"))?;
    file.write_all(secrets.to_yaml().expose().as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .with_context(|| format!("writing {path}"))?;
    file.persist(path).with_context(|| format!("writing {path}"))?;
    Ok(())
}
