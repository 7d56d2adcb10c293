//! Reading documents, and the files that they name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use hagen::config::diagnostics::Diagnostics;
use hagen::config::schema::Document;
use hagen::config::{Input, Options, TEXT_LIMIT, load};

use super::Failure;

/// Largest file that a document may name, in bytes: a bundle with more could not be delivered.
const FILE_LIMIT: u64 = 64 << 20;

/// What was read.
pub struct Loaded {
    /// The document and its warnings, or what is wrong.
    pub result: Result<(Document, Diagnostics), Diagnostics>,
    /// The documents' bytes.
    pub contents: Vec<Vec<u8>>,
    /// The files that they name, by number of the document and path as written there.
    pub files: BTreeMap<(usize, String), Vec<u8>>,
}

/// Reads documents.
///
/// # Errors
/// When one cannot be read at all; what is wrong with its text is in the result.
pub fn read(paths: &[Utf8PathBuf], options: &Options) -> Result<Loaded, Failure> {
    let contents = paths.iter().map(|path| content(path)).collect::<Result<Vec<_>, _>>()?;
    let inputs: Vec<Input<'_>> =
        paths.iter().zip(&contents).map(|(path, content)| Input { name: path.as_str(), content }).collect();
    // Kept by name: the digest of the inputs covers them in this order.
    let mut files = BTreeMap::new();
    let result = load(
        &inputs,
        &mut |number, name| {
            let folder = paths.get(number).and_then(|path| path.parent()).unwrap_or(Utf8Path::new(""));
            let bytes = bounded(&folder.join(name), FILE_LIMIT)?;
            if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_LIMIT) {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            files.insert((number, name.to_owned()), bytes.clone());
            Ok(bytes)
        },
        options,
    );
    Ok(Loaded { result, contents, files })
}

fn content(path: &Utf8Path) -> Result<Vec<u8>, Failure> {
    Ok(bounded(path, TEXT_LIMIT as u64).with_context(|| format!("reading {path}"))?)
}

/// The bytes of a file, at most one more than `limit`: whatever it is, it does not fill the memory.
fn bounded(path: &Utf8Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
