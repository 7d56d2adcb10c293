//! Everything that can be wrong with a secrets file, as values.
//! In: a problem and the place it was found. Out: one sentence, never with content of the file.

use std::fmt;

use super::VERSION;
use crate::config::catalogue::Code;
use crate::config::diagnostics::{Severity, render_without_text};

/// A place in the secrets file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: u64,
    /// Column in characters, from 1.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

/// A secrets file that cannot be used: what is wrong, and where if that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretsError {
    problem: Problem,
    position: Option<Position>,
}

impl SecretsError {
    pub(super) const fn new(problem: Problem, position: Option<Position>) -> Self {
        Self { problem, position }
    }

    /// What is wrong.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The whole message about the file `name`, without a line of its text.
    pub fn render(&self, name: &str, colour: bool) -> String {
        let position = self.position.map(|position| (position.line, position.column));
        let origin = Some((name, position));
        let (code, help) = (self.problem.code(), self.problem.help());
        render_without_text(Severity::Error, code, &self.problem.to_string(), origin, help, colour)
    }

    /// Where, if known.
    pub const fn position(&self) -> Option<Position> {
        self.position
    }
}

impl Problem {
    /// Its stable code.
    pub const fn code(&self) -> Code {
        match self {
            Self::Syntax | Self::Kind | Self::UnknownKey { .. } | Self::MissingKey { .. } | Self::DuplicateKey => {
                Code::SecretsFile
            }
            Self::VersionOlder { .. } | Self::VersionNewer { .. } => Code::SecretsVersion,
            Self::SeedEncoding | Self::SeedLength { .. } | Self::IssuedAt => Code::SecretsValue,
            Self::Unreadable { .. } | Self::UnsupportedKey { .. } | Self::KeyMismatch | Self::NotAnAuthority => {
                Code::ImportedMaterial
            }
        }
    }

    /// How to put it right.
    pub const fn help(&self) -> &'static str {
        match self.code() {
            Code::SecretsVersion => "render with the hagen that wrote it, or with a newer one",
            Code::SecretsValue if matches!(self, Self::IssuedAt) => "write UTC to the second, ending in `Z`",
            Code::SecretsValue => "take the seed from your backup: without it the cluster's keys are lost",
            Code::ImportedMaterial => "give certificate and key of one authority, as PEM, the key unencrypted",
            _ => "take the file as hagen wrote it, decrypted if it was encrypted (`sops -d`, `age -d`)",
        }
    }
}

impl fmt::Display for SecretsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(formatter, "{position}: {}", self.problem),
            None => write!(formatter, "{}", self.problem),
        }
    }
}

impl std::error::Error for SecretsError {}

/// What is wrong with a secrets file, or with imported material.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Not YAML, or not a mapping. The parser's own words are left out: they may quote the file.
    #[error("the secrets file is not a YAML mapping that can be read")]
    Syntax,
    /// A value of another kind than the key wants, a list instead of a text for instance.
    #[error("a value of another kind is wanted here")]
    Kind,
    /// A key that the schema does not know. Named only if it looks like a key: a seed pasted into the
    /// wrong place must not be repeated.
    #[error("unknown key{}; known here are {known}", quoted(.key))]
    UnknownKey {
        /// The key, unless it may be secret content.
        key: Option<String>,
        /// The keys that are known at this place, comma-separated.
        known: String,
    },
    /// A key that must be there is not.
    #[error("the key `{key}` is missing")]
    MissingKey {
        /// The missing key.
        key: &'static str,
    },
    /// The same key twice.
    #[error("a key is given twice")]
    DuplicateKey,
    /// Written for an older schema.
    #[error("secrets file version {found} is older than version {VERSION}, the only one that this hagen reads")]
    VersionOlder {
        /// The file's version.
        found: u64,
    },
    /// Written for a newer schema.
    #[error("secrets file version {found} is newer than version {VERSION}, which this hagen reads: use a newer hagen")]
    VersionNewer {
        /// The file's version.
        found: u64,
    },
    /// `seed` is not base64.
    #[error("`seed` is not standard base64 with padding")]
    SeedEncoding,
    /// `seed` is of another length.
    #[error("`seed` holds {found} bytes, but must hold exactly 32")]
    SeedLength {
        /// Bytes found.
        found: usize,
    },
    /// `issuedAt` is not a time in the one form that is written.
    #[error("`issuedAt` is not a UTC time in whole seconds from 1970 on, such as 2026-11-21T09:14:00Z")]
    IssuedAt,
    /// Imported material that is not PEM, or not of the kind that was expected.
    #[error("not readable as {expected}")]
    Unreadable {
        /// What was expected.
        expected: &'static str,
    },
    /// An imported private key of a kind that hagen cannot sign with.
    #[error(
        "{found} keys are not supported yet; supported are unencrypted P-256 keys as `EC PRIVATE KEY` (SEC1) or `PRIVATE KEY` (PKCS#8)"
    )]
    UnsupportedKey {
        /// The kind of key that was found.
        found: &'static str,
    },
    /// The private key is not the certificate's.
    #[error("the certificate's public key is not the one of the private key beside it")]
    KeyMismatch,
    /// The imported certificate may not sign others.
    #[error(
        "the certificate is not one of an authority that may sign others (basic constraints CA:TRUE, key usage keyCertSign)"
    )]
    NotAnAuthority,
}

fn quoted(key: &Option<String>) -> String {
    key.as_ref().map_or_else(String::new, |key| format!(" `{key}`"))
}
