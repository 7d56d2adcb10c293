//! Archives of container images, as `skopeo copy`, `docker save`, `podman save`, `crane pull` and `ctr images export` write
//! them: which images are in one, and whether they are whole.
//!
//! A tar file comes in as a stream, perhaps compressed with gzip, and is read once; small JSON files in it are kept.
//! Sources: the image layout of OCI, Docker's image specification 1.2, and containerd's `core/images/archive`, which reads
//! `oci-layout` first.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

use super::{Hashing, Image};
use crate::secrets::hexadecimal;

/// The largest file that is kept: manifests and configurations of images have some kilobytes.
const KEPT: u64 = 4 << 20;
/// The most of them together.
const KEPT_TOGETHER: u64 = 64 << 20;

const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// Why an archive cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read.
    #[error("it cannot be read as a tar file: {0}")]
    Tar(#[from] io::Error),
    /// It is another kind of tar file, or a broken one.
    #[error("it holds no images: neither oci-layout nor manifest.json is in it")]
    NoImages,
    /// A JSON file in it is not what it should be.
    #[error("{file} in it cannot be read: {error}")]
    Json {
        /// Its name there.
        file: String,
        /// What the reader says.
        error: serde_json::Error,
    },
    /// A piece of an image is not in it.
    #[error("{piece} of {image} is not in it")]
    Missing {
        /// Whose.
        image: String,
        /// The file.
        piece: String,
    },
    /// A piece of an image has other bytes.
    #[error("{piece} of {image} is damaged")]
    Differs {
        /// Whose.
        image: String,
        /// The file.
        piece: String,
    },
}

/// An image in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Its name, as containerd will call it.
    pub name: String,
    /// Processors that it is for, as Go calls them: `amd64`.
    pub architectures: BTreeSet<String>,
}

/// A file of the tar file.
struct Piece {
    sha256: String,
    /// The digest of what it holds, where it is compressed in a way that is known here.
    inner_sha256: Option<String>,
    /// Compressed in another way.
    is_opaque: bool,
    content: Vec<u8>,
}

#[derive(Deserialize)]
struct Descriptor {
    digest: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Manifest {
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    architecture: String,
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(default)]
    diff_ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerImage {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

/// Reads an archive to its end.
///
/// # Errors
/// [`ArchiveError`] says what makes it unfit to be loaded.
pub fn read(reader: impl Read) -> Result<Vec<Archived>, ArchiveError> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let pieces = if reader.fill_buf()?.starts_with(GZIP) {
        let mut tar = BufReader::new(MultiGzDecoder::new(reader));
        pieces(&mut tar)?
    } else {
        pieces(&mut reader)?
    };
    if pieces.files.contains_key("oci-layout") {
        pieces.oci()
    } else if pieces.files.contains_key("manifest.json") {
        pieces.docker()
    } else {
        Err(ArchiveError::NoImages)
    }
}

/// The files of a tar file, by path.
struct Pieces {
    files: BTreeMap<String, Piece>,
    /// Links, with what they point to.
    links: BTreeMap<String, String>,
}

fn pieces(reader: &mut impl Read) -> Result<Pieces, ArchiveError> {
    let mut pieces = Pieces { files: BTreeMap::new(), links: BTreeMap::new() };
    let mut room = KEPT_TOGETHER;
    let mut archive = tar::Archive::new(&mut *reader);
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = plain(&String::from_utf8_lossy(&entry.path_bytes()));
        if let Some(target) = entry.link_name_bytes() {
            let target = String::from_utf8_lossy(&target).into_owned();
            // A hard link is named from the root of the archive, a symbolic one from its own folder.
            let from = if entry.header().entry_type().is_symlink() { folder(&path) } else { "" };
            pieces.links.insert(path.clone(), plain(&format!("{from}/{target}")));
        } else if entry.header().entry_type().is_file() {
            let keep = entry.size() <= KEPT.min(room);
            let (size, piece) = piece(&mut entry, keep)?;
            if size != entry.size() {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            room -= piece.content.len() as u64;
            pieces.files.insert(path, piece);
        }
    }
    // What follows the end of a tar file belongs to the file all the same.
    io::copy(reader, &mut io::sink())?;
    Ok(pieces)
}

/// One file: its size, and what is remembered of it.
fn piece(reader: &mut impl Read, keep: bool) -> io::Result<(u64, Piece)> {
    let mut content = Vec::new();
    if keep {
        reader.read_to_end(&mut content)?;
    }
    let mut kept = content.as_slice();
    let mut hashing = Hashing::new(if keep { &mut kept as &mut dyn Read } else { reader });
    let mut buffered = BufReader::with_capacity(1 << 16, &mut hashing);
    let head = buffered.fill_buf()?;
    let (is_gzip, is_opaque) = (head.starts_with(GZIP), head.starts_with(ZSTD));
    let mut inner_sha256 = None;
    if is_gzip {
        let mut inner = Hashing::new(MultiGzDecoder::new(&mut buffered));
        // A layer that cannot be decompressed has no digest, so it differs from the one that is wanted.
        let whole = io::copy(&mut inner, &mut io::sink()).is_ok();
        inner_sha256 = whole.then(|| hexadecimal(&inner.finish().1));
    }
    io::copy(&mut buffered, &mut io::sink())?;
    let (size, digest) = hashing.finish();
    Ok((size, Piece { sha256: hexadecimal(&digest), inner_sha256, is_opaque, content }))
}

/// A path from the root of the archive, without detours.
fn plain(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn blob(digest: &str) -> String {
    format!("blobs/{}", digest.replace(':', "/"))
}

impl Config {
    /// None of an attestation, which looks like an image.
    fn architectures(self) -> BTreeSet<String> {
        Some(self.architecture).into_iter().filter(|name| !name.is_empty() && name != "unknown").collect()
    }
}

impl Pieces {
    fn get(&self, path: &str) -> Option<&Piece> {
        let path = plain(path);
        self.files.get(&path).or_else(|| self.files.get(self.links.get(&path)?))
    }

    fn json<'a, T: Deserialize<'a>>(&'a self, image: &str, file: &str) -> Result<T, ArchiveError> {
        let missing = || ArchiveError::Missing { image: image.to_owned(), piece: file.to_owned() };
        let piece = self.get(file).ok_or_else(missing)?;
        serde_json::from_slice(&piece.content).map_err(|error| ArchiveError::Json { file: file.to_owned(), error })
    }

    /// The blob of a digest, which it must have.
    fn blob<'a, T: Deserialize<'a>>(&'a self, image: &str, digest: &str) -> Result<T, ArchiveError> {
        self.check(image, digest)?;
        self.json(image, &blob(digest))
    }

    fn check(&self, image: &str, digest: &str) -> Result<(), ArchiveError> {
        let (image, piece) = (image.to_owned(), blob(digest));
        match self.get(&piece) {
            None => Err(ArchiveError::Missing { image, piece }),
            Some(found) if digest.strip_prefix("sha256:").is_some_and(|wanted| wanted != found.sha256) => {
                Err(ArchiveError::Differs { image, piece })
            }
            Some(_) => Ok(()),
        }
    }

    fn oci(&self) -> Result<Vec<Archived>, ArchiveError> {
        let index: Index = self.json("index.json", "index.json")?;
        let mut images = Vec::new();
        for descriptor in &index.manifests {
            let name = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
            if let Some(name) = name.iter().find_map(|key| descriptor.annotations.get(*key)) {
                let architectures = self.architectures(name, &descriptor.digest)?;
                images.push(Archived { name: name.clone(), architectures });
            }
        }
        Ok(images)
    }

    /// The processors that an image, or an index of several, is whole for.
    fn architectures(&self, image: &str, digest: &str) -> Result<BTreeSet<String>, ArchiveError> {
        if let Ok(index) = self.blob::<Index>(image, digest) {
            // Tools fetch one processor's image and keep the index of all.
            let there = index.manifests.iter().filter(|descriptor| self.get(&blob(&descriptor.digest)).is_some());
            let all = there.map(|descriptor| self.architectures(image, &descriptor.digest));
            return Ok(all.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect());
        }
        let manifest: Manifest = self.blob(image, digest)?;
        let config: Config = self.blob(image, &manifest.config.digest)?;
        manifest.layers.iter().try_for_each(|layer| self.check(image, &layer.digest))?;
        Ok(config.architectures())
    }

    fn docker(&self) -> Result<Vec<Archived>, ArchiveError> {
        let list: Vec<DockerImage> = self.json("manifest.json", "manifest.json")?;
        let mut images = Vec::new();
        for image in list {
            let tags = image.repo_tags.unwrap_or_default();
            let Some(first) = tags.first() else { continue };
            let config: Config = self.json(first, &image.config)?;
            for (layer, diff_id) in image.layers.iter().zip(&config.rootfs.diff_ids) {
                let said = || (first.clone(), layer.clone());
                let piece = self.get(layer).ok_or_else(|| {
                    let (image, piece) = said();
                    ArchiveError::Missing { image, piece }
                })?;
                let found = piece.inner_sha256.as_ref().unwrap_or(&piece.sha256);
                if !piece.is_opaque && diff_id.strip_prefix("sha256:").is_some_and(|wanted| wanted != found) {
                    let (image, piece) = said();
                    return Err(ArchiveError::Differs { image, piece });
                }
            }
            let architectures = config.architectures();
            images.extend(
                tags.iter().map(|tag| Archived { name: Image::of(tag).name, architectures: architectures.clone() }),
            );
        }
        Ok(images)
    }
}
