//! The one file that a cluster's secrets grow from.
//! In: `<document>.secrets.yaml`, a seed of 256 bits, a date, and perhaps keys of an existing cluster.
//! Out: every key, token and password of the cluster, each from a label of its own, always the same.
//!
//! Derivation is HKDF-SHA256 (RFC 5869), so no secret reveals another, and one that leaks from a machine
//! does not reveal the seed. Labels are part of the format: changing one changes the clusters of all users.

mod error;
mod import;
pub(crate) mod pem;
mod secret;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use p256::ecdsa::SigningKey;
use serde::Deserialize;
use serde_yaml::{DeserializeError, Location, Spanned};
use sha2::Sha256;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

pub use self::error::{Position, Problem, SecretsError};
pub use self::import::{Import, ImportedAuthority, ImportedKey};
pub use self::secret::Secret;

/// The version of the format that is written, and the only one that is read.
pub const VERSION: u64 = 1;

/// HKDF's salt: the same for every cluster, another one for another scheme of derivation.
const SALT: &[u8] = b"hagen/v1";

/// What a secrets file says.
#[derive(Debug, Clone)]
pub struct Secrets {
    seed: Secret<[u8; 32]>,
    issued_at: OffsetDateTime,
    import: Import,
}

impl Secrets {
    /// Secrets that grow from a seed alone. `issued_at` is kept in UTC and whole seconds.
    pub fn new(seed: [u8; 32], issued_at: OffsetDateTime) -> Self {
        Self { seed: Secret::new(seed), issued_at: whole_seconds(issued_at), import: Import::default() }
    }

    /// The same secrets, counting from another instant: new leaves and a new window, the same keys.
    #[must_use]
    pub fn with_issued_at(self, issued_at: OffsetDateTime) -> Self {
        Self { issued_at: whole_seconds(issued_at), ..self }
    }

    /// The same secrets with material of an existing cluster.
    #[must_use]
    pub fn with_import(self, import: Import) -> Self {
        Self { import, ..self }
    }

    /// Reads a secrets file.
    ///
    /// # Errors
    /// The first [`Problem`] found, with its place in the text.
    pub fn parse(text: &str) -> Result<Self, SecretsError> {
        // The version first: a newer file has keys that this schema does not know.
        let version = read::<VersionOnly>(text)?.version;
        match version.value {
            VERSION => {}
            found if found < VERSION => return Err(at(&version, Problem::VersionOlder { found })),
            found => return Err(at(&version, Problem::VersionNewer { found })),
        }
        let file = read::<File>(text)?;
        Ok(Self {
            seed: parse_seed(&file.seed)?,
            issued_at: parse_issued_at(&file.issued_at)?,
            import: parse_import(&file.import.unwrap_or_default())?,
        })
    }

    /// The secrets file's text. [`Secrets::parse`] reads it back.
    ///
    /// Fixed lines rather than a serialiser: every value is of an alphabet that needs no escapes, and
    /// the file shall never look different after an upgrade of a library.
    pub fn to_yaml(&self) -> Secret<String> {
        let seed = Secret::new(STANDARD.encode(self.seed.expose()));
        let mut text = format!(
            "# Secrets of a cluster, made by hagen. Keep this file, and do not commit it in the clear: all keys grow from it.\n\
             version: {VERSION}\nseed: \"{}\"\nissuedAt: \"{}\"\n",
            seed.expose(),
            timestamp(self.issued_at),
        );
        let authorities =
            [("ca", &self.import.ca), ("frontProxyCa", &self.import.front_proxy_ca), ("etcdCa", &self.import.etcd_ca)];
        let mut import = String::new();
        for (name, authority) in authorities {
            let Some(authority) = authority else { continue };
            let key = pem::encode_private_key(authority.key().signing_key());
            import.push_str(&format!("  {name}:\n"));
            import.push_str(&block("    ", "certificate", authority.certificate_pem()));
            import.push_str(&block("    ", "key", key.expose()));
        }
        if let Some(key) = &self.import.service_account_key {
            let key = pem::encode_private_key(key.signing_key());
            import.push_str(&block("  ", "serviceAccountKey", key.expose()));
        }
        if !import.is_empty() {
            text.push_str("import:\n");
            text.push_str(&import);
        }
        Secret::new(text)
    }

    /// When the certificates' lives start to count: UTC, whole seconds.
    pub const fn issued_at(&self) -> OffsetDateTime {
        self.issued_at
    }

    /// What came from an existing cluster.
    pub const fn import(&self) -> &Import {
        &self.import
    }

    /// 32 bytes for one purpose. Equal labels give equal bytes, different ones unrelated bytes.
    #[expect(
        clippy::expect_used,
        reason = "expand refuses only more than 255 * 32 bytes; a Result here would have no cause"
    )]
    pub(crate) fn derive(&self, label: &str) -> Secret<[u8; 32]> {
        let mut bytes = [0; 32];
        Hkdf::<Sha256>::new(Some(SALT), self.seed.expose())
            .expand(label.as_bytes(), &mut bytes)
            .expect("32 bytes are within HKDF-SHA256's limit");
        Secret::new(bytes)
    }

    /// A P-256 key for one purpose, whose signatures are deterministic (RFC 6979).
    ///
    /// A candidate that is no scalar (once in 2^32) is rejected rather than reduced, which would favour
    /// small ones.
    pub fn signing_key(&self, label: &str) -> SigningKey {
        let mut counter = 0_u32;
        loop {
            if let Ok(key) = SigningKey::from_slice(self.derive(&format!("p256/{label}/{counter}")).expose()) {
                return key;
            }
            counter += 1;
        }
    }

    /// kubeadm's bootstrap token: `[a-z0-9]{6}.[a-z0-9]{16}`, a public and a secret part.
    pub fn bootstrap_token(&self) -> Secret<String> {
        let id = self.alphanumeric("bootstrap-token/id", 6);
        let secret = self.alphanumeric("bootstrap-token/secret", 16);
        Secret::new(format!("{}.{}", id.expose(), secret.expose()))
    }

    /// kubeadm's certificate key (AES-256) as 64 hexadecimal digits.
    pub fn certificate_key(&self) -> Secret<String> {
        Secret::new(hexadecimal(self.derive("certificate-key").expose()))
    }

    /// A text of `[a-z0-9]`, each character equally likely.
    fn alphanumeric(&self, label: &str, length: usize) -> Secret<String> {
        const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        // 252 is the largest multiple of 36 in a byte: what lies above would favour the first letters.
        let mut text = String::with_capacity(length);
        text.extend(
            (0_u32..)
                .flat_map(|counter| *self.derive(&format!("{label}/{counter}")).expose())
                .filter(|byte| *byte < 252)
                .map(|byte| char::from(ALPHABET[usize::from(byte % 36)]))
                .take(length),
        );
        Secret::new(text)
    }
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The file, without which nothing else can be judged.
#[derive(Deserialize)]
struct VersionOnly {
    version: Spanned<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    #[serde(rename = "version")]
    _version: u64,
    seed: Spanned<Secret<String>>,
    issued_at: Spanned<String>,
    import: Option<FileImport>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct FileImport {
    ca: Option<Spanned<FileAuthority>>,
    front_proxy_ca: Option<Spanned<FileAuthority>>,
    etcd_ca: Option<Spanned<FileAuthority>>,
    service_account_key: Option<Spanned<Secret<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileAuthority {
    certificate: Spanned<String>,
    key: Spanned<Secret<String>>,
}

/// Decodes a text. Of the parser's errors only kind and place are kept, for its messages quote the text.
fn read<'text, T: Deserialize<'text>>(text: &'text str) -> Result<T, SecretsError> {
    let options = serde_yaml::options! { with_snippet: false };
    serde_yaml::from_str_with_options(text, options).map_err(|error| {
        let problem = match error.without_snippet() {
            DeserializeError::SerdeUnknownField { field, expected, .. } => {
                Problem::UnknownKey { key: looks_like_a_key(field).then(|| field.clone()), known: expected.join(", ") }
            }
            DeserializeError::SerdeMissingField { field, .. } => Problem::MissingKey { key: field },
            DeserializeError::DuplicateMappingKey { .. } => Problem::DuplicateKey,
            DeserializeError::SerdeInvalidType { .. }
            | DeserializeError::SerdeInvalidValue { .. }
            | DeserializeError::InvalidScalar { .. }
            | DeserializeError::NullIntoString { .. }
            | DeserializeError::TaggedScalarCannotDeserializeIntoString { .. }
            | DeserializeError::Unexpected { .. } => Problem::Kind,
            _ => Problem::Syntax,
        };
        SecretsError::new(problem, error.location().and_then(position))
    })
}

/// Whether a word may be repeated in an error: a seed has 44 characters, a line of PEM 64.
fn looks_like_a_key(word: &str) -> bool {
    word.len() <= 20 && word.chars().all(|character| character.is_ascii_alphanumeric() || "-_".contains(character))
}

fn parse_seed(text: &Spanned<Secret<String>>) -> Result<Secret<[u8; 32]>, SecretsError> {
    let bytes = STANDARD.decode(text.value.expose()).map_err(|_| at(text, Problem::SeedEncoding))?;
    let bytes = Secret::new(bytes);
    let seed = <[u8; 32]>::try_from(bytes.expose().as_slice());
    seed.map(Secret::new).map_err(|_| at(text, Problem::SeedLength { found: bytes.expose().len() }))
}

fn parse_issued_at(text: &Spanned<String>) -> Result<OffsetDateTime, SecretsError> {
    OffsetDateTime::parse(&text.value, &Rfc3339)
        .ok()
        // One time, one spelling: the form that hagen writes.
        .filter(|time| time.year() >= 1970 && timestamp(*time) == text.value)
        .ok_or_else(|| at(text, Problem::IssuedAt))
}

fn parse_import(file: &FileImport) -> Result<Import, SecretsError> {
    let authority = |file: &Option<Spanned<FileAuthority>>| file.as_ref().map(parse_authority).transpose();
    let key =
        |text: &Spanned<Secret<String>>| ImportedKey::parse(text.value.expose()).map_err(|problem| at(text, problem));
    Ok(Import {
        ca: authority(&file.ca)?,
        front_proxy_ca: authority(&file.front_proxy_ca)?,
        etcd_ca: authority(&file.etcd_ca)?,
        service_account_key: file.service_account_key.as_ref().map(key).transpose()?,
    })
}

fn parse_authority(file: &Spanned<FileAuthority>) -> Result<ImportedAuthority, SecretsError> {
    let FileAuthority { certificate, key } = &file.value;
    let key = ImportedKey::parse(key.value.expose()).map_err(|problem| at(key, problem))?;
    ImportedAuthority::read_certificates(&certificate.value)
        .and_then(|certificates| ImportedAuthority::new(certificates, key))
        .map_err(|problem| at(certificate, problem))
}

/// The instant in UTC, without its fraction.
fn whole_seconds(instant: OffsetDateTime) -> OffsetDateTime {
    let whole = instant - time::Duration::nanoseconds(i64::from(instant.nanosecond()));
    whole.to_offset(UtcOffset::UTC)
}

/// `2026-11-21T09:14:00Z`: RFC 3339 with nothing left to choose. The time is UTC already.
pub(crate) fn timestamp(time: OffsetDateTime) -> String {
    let (date, time) = (time.date(), time.time());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
}

/// A YAML literal block. PEM needs no escapes there.
fn block(indent: &str, key: &str, pem: &str) -> String {
    let mut text = format!("{indent}{key}: |\n");
    for line in pem.lines() {
        text.push_str(&format!("{indent}  {line}\n"));
    }
    text
}

fn at<T>(value: &Spanned<T>, problem: Problem) -> SecretsError {
    SecretsError::new(problem, position(value.referenced))
}

/// The parser's place, which is line 0 when it knows none.
fn position(location: Location) -> Option<Position> {
    let (line, column) = (location.line(), location.column());
    (line > 0).then_some(Position { line, column })
}

#[cfg(test)]
mod tests;
