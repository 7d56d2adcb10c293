//! Archives of container images, as `skopeo copy`, `docker save`, `podman save`, `crane pull` and `ctr images export` write
//! them: which images are in one, whether they are whole, and what room they take.
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
const XZ: &[u8] = b"\xfd7zXZ\0";
/// How much larger a layer becomes that zstd has compressed, which is not decompressed here: few shrink to less.
const ZSTD_GROWS: u64 = 4;

/// Why an archive cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read.
    #[error("it cannot be read as a tar file: {0}")]
    Tar(#[from] io::Error),
    /// It is compressed in a way that is not read.
    #[error("it is compressed with {0}")]
    Compressed(&'static str),
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

/// What is in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// The images that have names.
    pub images: Vec<Archived>,
    /// Bytes that it becomes in containerd: what it holds as it is, and all of that once more, decompressed.
    pub room: u64,
}

/// An image in an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// Its name, as containerd will call it.
    pub name: String,
    /// The processors that it is for, as Go calls them (`amd64`), each with the SHA-256 of a configuration for it, which
    /// stands for its content.
    pub contents: BTreeSet<(String, String)>,
}

impl Archived {
    /// The processors that it is for.
    #[must_use]
    pub fn architectures(&self) -> BTreeSet<String> {
        self.contents.iter().map(|(architecture, _)| architecture.clone()).collect()
    }
}

/// A file of the tar file.
struct Piece {
    size: u64,
    /// Its size once it is decompressed.
    unpacked: u64,
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
pub fn read(reader: impl Read) -> Result<Archive, ArchiveError> {
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let head = reader.fill_buf()?;
    if let Some((_, name)) = [(ZSTD, "zstd"), (XZ, "xz")].iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(ArchiveError::Compressed(name));
    }
    let pieces = if head.starts_with(GZIP) {
        let mut tar = BufReader::new(MultiGzDecoder::new(reader));
        pieces(&mut tar)?
    } else {
        pieces(&mut reader)?
    };
    let images = if pieces.files.contains_key("oci-layout") {
        pieces.oci()?
    } else if pieces.files.contains_key("manifest.json") {
        pieces.docker()?
    } else {
        return Err(ArchiveError::NoImages);
    };
    Ok(Archive { images, room: pieces.files.values().map(|piece| piece.size + piece.unpacked).sum() })
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
            let may_keep = entry.size() <= KEPT.min(room);
            let piece = piece(&mut entry, may_keep)?;
            if piece.size != entry.size() {
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

/// What is remembered of one file. JSON is kept, layers are not, however small.
fn piece(reader: &mut impl Read, may_keep: bool) -> io::Result<Piece> {
    let mut hashing = Hashing::new(reader);
    let mut buffered = BufReader::with_capacity(1 << 16, &mut hashing);
    let head = buffered.fill_buf()?;
    let (is_gzip, is_opaque) = (head.starts_with(GZIP), head.starts_with(ZSTD));
    let is_json = matches!(head.trim_ascii_start().first(), Some(b'{' | b'['));
    let (mut content, mut inner_sha256, mut inner_size) = (Vec::new(), None, None);
    if is_json && may_keep {
        buffered.read_to_end(&mut content)?;
    }
    if is_gzip {
        let mut inner = Hashing::new(MultiGzDecoder::new(&mut buffered));
        // A layer that cannot be decompressed has no digest, so it differs from the one that is wanted.
        let whole = io::copy(&mut inner, &mut io::sink()).is_ok();
        let (size, digest) = inner.finish();
        inner_size = Some(size);
        inner_sha256 = whole.then(|| hexadecimal(&digest));
    }
    io::copy(&mut buffered, &mut io::sink())?;
    let (size, digest) = hashing.finish();
    let unpacked = inner_size.unwrap_or(if is_opaque { size.saturating_mul(ZSTD_GROWS) } else { size });
    Ok(Piece { size, unpacked, sha256: hexadecimal(&digest), inner_sha256, is_opaque, content })
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
    /// The processor, and the digest `sha256` of this file; none of an attestation, which looks like an image.
    fn content(self, sha256: &str) -> Option<(String, String)> {
        let is_one = !self.architecture.is_empty() && self.architecture != "unknown";
        is_one.then(|| (self.architecture, sha256.to_owned()))
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
            Some(found) if digest.strip_prefix("sha256:") == Some(&found.sha256) => Ok(()),
            Some(_) => Err(ArchiveError::Differs { image, piece }),
        }
    }

    fn oci(&self) -> Result<Vec<Archived>, ArchiveError> {
        let index: Index = self.json("index.json", "index.json")?;
        let mut images = Vec::new();
        for descriptor in &index.manifests {
            let name = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
            if let Some(name) = name.iter().find_map(|key| descriptor.annotations.get(*key)) {
                images.push(Archived { name: name.clone(), contents: self.contents(name, &descriptor.digest)? });
            }
        }
        Ok(images)
    }

    /// What an image, or an index of several, is whole for.
    fn contents(&self, image: &str, digest: &str) -> Result<BTreeSet<(String, String)>, ArchiveError> {
        let (mut contents, mut missing) = (BTreeSet::new(), None);
        // An index may name others, however deep, and the same one twice.
        let (mut waiting, mut seen) = (vec![digest.to_owned()], BTreeSet::new());
        while let Some(digest) = waiting.pop() {
            if !seen.insert(digest.clone()) {
                continue;
            }
            if let Ok(index) = self.blob::<Index>(image, &digest) {
                waiting.extend(index.manifests.into_iter().rev().map(|descriptor| descriptor.digest));
                continue;
            }
            match self.content(image, &digest) {
                Ok(content) => contents.extend(content),
                // Tools fetch one processor's image and keep the index of all, perhaps with every manifest.
                Err(error @ ArchiveError::Missing { .. }) => missing = missing.or(Some(error)),
                Err(error) => return Err(error),
            }
        }
        missing.filter(|_| contents.is_empty()).map_or(Ok(contents), Err)
    }

    /// The processor that a manifest's image is whole for, with the digest of its configuration.
    fn content(&self, image: &str, digest: &str) -> Result<Option<(String, String)>, ArchiveError> {
        let manifest: Manifest = self.blob(image, digest)?;
        let config: Config = self.blob(image, &manifest.config.digest)?;
        manifest.layers.iter().try_for_each(|layer| self.check(image, &layer.digest))?;
        Ok(config.content(manifest.config.digest.trim_start_matches("sha256:")))
    }

    fn docker(&self) -> Result<Vec<Archived>, ArchiveError> {
        let list: Vec<DockerImage> = self.json("manifest.json", "manifest.json")?;
        let mut images = Vec::new();
        for image in list {
            let tags = image.repo_tags.unwrap_or_default();
            let Some(first) = tags.first() else { continue };
            let config: Config = self.json(first, &image.config)?;
            let named = image.config.rsplit(['/', ':']).next().unwrap_or_default().trim_end_matches(".json");
            let has_digest = named.len() == 64 && named.bytes().all(|byte| byte.is_ascii_hexdigit());
            let differs = has_digest && self.get(&image.config).is_some_and(|piece| piece.sha256 != named);
            if differs || image.layers.len() != config.rootfs.diff_ids.len() {
                return Err(ArchiveError::Differs { image: first.clone(), piece: image.config });
            }
            for (layer, diff_id) in image.layers.iter().zip(&config.rootfs.diff_ids) {
                let missing = || ArchiveError::Missing { image: first.clone(), piece: layer.clone() };
                let piece = self.get(layer).ok_or_else(missing)?;
                let found = piece.inner_sha256.as_ref().unwrap_or(&piece.sha256);
                if !piece.is_opaque && diff_id.strip_prefix("sha256:").is_some_and(|wanted| wanted != found) {
                    return Err(ArchiveError::Differs { image: first.clone(), piece: layer.clone() });
                }
            }
            let sha256 = self.get(&image.config).map_or("", |piece| &piece.sha256);
            let contents: BTreeSet<_> = config.content(sha256).into_iter().collect();
            images.extend(tags.iter().map(|tag| Archived { name: Image::of(tag).name, contents: contents.clone() }));
        }
        Ok(images)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::{Value, json};
    use sha2::{Digest as _, Sha256};

    use super::*;

    fn sha256(content: &[u8]) -> String {
        hexadecimal(&<[u8; 32]>::from(Sha256::digest(content)))
    }

    fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, path, content.as_slice()).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn config(architecture: &str, layers: &[&[u8]]) -> Vec<u8> {
        let diff_ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", sha256(layer))).collect();
        json!({"architecture": architecture, "os": "linux", "rootfs": {"type": "layers", "diff_ids": diff_ids}})
            .to_string()
            .into_bytes()
    }

    /// As `docker save` of old writes one, and `crane pull` if `layer` is compressed.
    fn docker(layer: &[u8], stored: &[u8]) -> Vec<(String, Vec<u8>)> {
        let config = config("amd64", &[layer]);
        let name = format!("{}.json", sha256(&config));
        let manifest = json!([{"Config": name, "RepoTags": ["a/b:1", "localhost/c"], "Layers": ["layer.tar"]}]);
        vec![
            (name, config),
            ("layer.tar".to_owned(), stored.to_vec()),
            ("manifest.json".to_owned(), manifest.to_string().into_bytes()),
        ]
    }

    fn names(files: &[(String, Vec<u8>)]) -> Result<Vec<String>, String> {
        let found = read(tar(files).as_slice()).map_err(|error| error.to_string())?;
        let said = |image: &Archived| format!("{} {}", image.name, Vec::from_iter(image.architectures()).join(","));
        Ok(found.images.iter().map(said).collect())
    }

    #[test]
    fn dockers_archives_are_read() {
        let whole = Ok(vec!["docker.io/a/b:1 amd64".to_owned(), "localhost/c:latest amd64".to_owned()]);
        assert_eq!(names(&docker(b"layer", b"layer")), whole);
        assert_eq!(names(&docker(b"layer", &gzip(b"layer"))), whole);
        assert_eq!(read(gzip(&tar(&docker(b"layer", b"layer"))).as_slice()).unwrap().images.len(), 2);
        // Not told apart from another layer without its bytes.
        assert_eq!(names(&docker(b"layer", ZSTD)), whole);
        let wrong = Err("layer.tar of a/b:1 is damaged".to_owned());
        assert_eq!(names(&docker(b"layer", b"lazer")), wrong);
        assert_eq!(names(&docker(b"layer", &gzip(b"layer")[..12])), wrong);
    }

    #[test]
    fn every_piece_of_dockers_archives_counts() {
        let files = docker(b"layer", b"layer");
        for (left_out, said) in [
            (0, format!("{} of a/b:1 is not in it", files[0].0)),
            (1, "layer.tar of a/b:1 is not in it".to_owned()),
            (2, ArchiveError::NoImages.to_string()),
        ] {
            let mut files = files.clone();
            files.remove(left_out);
            assert_eq!(names(&files), Err(said));
        }
        let mut other = files.clone();
        other[0].1 = config("arm64", &[b"layer"]);
        assert_eq!(names(&other), Err(format!("{} of a/b:1 is damaged", files[0].0)));
        // A layer that the configuration knows, and the manifest does not.
        let (config, manifest) =
            (config("amd64", &[b"layer", b"more"]), json!([{"Config": "c", "RepoTags": ["a"], "Layers": ["l"]}]));
        let files = [("c", config), ("l", b"layer".to_vec()), ("manifest.json", manifest.to_string().into_bytes())];
        assert_eq!(
            names(&files.map(|(path, content)| (path.to_owned(), content))),
            Err("c of a is damaged".to_owned())
        );
    }

    #[test]
    fn links_stand_for_layers() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut add = |path: &str, content: &[u8], link: Option<&str>| {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            match link {
                None => {
                    header.set_size(content.len() as u64);
                    builder.append_data(&mut header, path, content).unwrap();
                }
                Some(target) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_size(0);
                    builder.append_link(&mut header, path, target).unwrap();
                }
            }
        };
        let manifest = json!([{"Config": "c.json", "RepoTags": ["a"], "Layers": ["one/layer.tar", "two/layer.tar"]}]);
        add("c.json", &config("amd64", &[b"layer", b"layer"]), None);
        add("./one/layer.tar", b"layer", None);
        add("two/layer.tar", b"", Some("../one/layer.tar"));
        add("manifest.json", manifest.to_string().as_bytes(), None);
        let found = read(builder.into_inner().unwrap().as_slice()).unwrap();
        assert_eq!(found.images[0].name, "docker.io/library/a:latest");
    }

    /// The blobs of an OCI layout, and its index.
    struct Layout(Vec<(String, Vec<u8>)>);

    impl Layout {
        fn new() -> Self {
            Self(vec![("oci-layout".to_owned(), br#"{"imageLayoutVersion": "1.0.0"}"#.to_vec())])
        }

        fn add(&mut self, content: &[u8]) -> Value {
            let digest = format!("sha256:{}", sha256(content));
            self.0.push((blob(&digest), content.to_vec()));
            json!({"digest": digest, "size": content.len()})
        }

        fn image(&mut self, architecture: &str) -> Value {
            let layer = format!("layer of {architecture}");
            let (config, layer) = (self.add(&config(architecture, &[layer.as_bytes()])), self.add(layer.as_bytes()));
            self.add(json!({"config": config, "layers": [layer]}).to_string().as_bytes())
        }

        fn named(mut self, mut descriptor: Value, key: &str) -> Vec<(String, Vec<u8>)> {
            descriptor["annotations"] = json!({key: "quay.io/a/b:1"});
            let index = json!({"manifests": [descriptor]}).to_string().into_bytes();
            self.0.push(("index.json".to_owned(), index));
            self.0
        }
    }

    #[test]
    fn layouts_of_oci_are_read() {
        for key in ["io.containerd.image.name", "org.opencontainers.image.ref.name"] {
            let mut layout = Layout::new();
            let image = layout.image("amd64");
            let files = layout.named(image, key);
            assert_eq!(names(&files), Ok(vec!["quay.io/a/b:1 amd64".to_owned()]));
            // Configuration, layer, manifest.
            for damaged in 1..4 {
                let mut files = files.clone();
                files[damaged].1.push(b' ');
                assert_eq!(names(&files), Err(format!("{} of quay.io/a/b:1 is damaged", files[damaged].0)));
                let (path, _) = files.remove(damaged);
                assert_eq!(names(&files), Err(format!("{path} of quay.io/a/b:1 is not in it")));
            }
        }
    }

    #[test]
    fn an_index_is_for_what_is_whole() {
        let mut layout = Layout::new();
        let images = [layout.image("amd64"), layout.image("arm64")];
        let index = layout.add(json!({"manifests": images}).to_string().as_bytes());
        let files = layout.named(index, "io.containerd.image.name");
        assert_eq!(names(&files), Ok(vec!["quay.io/a/b:1 amd64,arm64".to_owned()]));
        let without = |left_out: &[usize]| {
            let kept = files.iter().enumerate().filter(|(number, _)| !left_out.contains(number));
            names(&kept.map(|(_, file)| file.clone()).collect::<Vec<_>>())
        };
        // The second image's layer; its manifest; the manifests of both.
        assert_eq!(without(&[5]), Ok(vec!["quay.io/a/b:1 amd64".to_owned()]));
        assert_eq!(without(&[6]), Ok(vec!["quay.io/a/b:1 amd64".to_owned()]));
        assert_eq!(without(&[3, 6]), Err(format!("{} of quay.io/a/b:1 is not in it", files[3].0)));
    }

    /// Digests cannot name each other in a circle, but a chain as long as an archive has room for, and a tree whose paths
    /// nobody can count.
    #[test]
    fn an_index_of_indexes_has_an_end() {
        for (depth, times) in [(10_000, 1), (60, 2)] {
            let mut layout = Layout::new();
            let mut index = layout.image("amd64");
            for _ in 0..depth {
                index = layout.add(json!({"manifests": vec![index; times]}).to_string().as_bytes());
            }
            let files = layout.named(index, "io.containerd.image.name");
            assert_eq!(names(&files), Ok(vec!["quay.io/a/b:1 amd64".to_owned()]));
        }
    }

    #[test]
    fn the_same_content_is_the_same_in_every_form() {
        let layer = b"layer of amd64";
        let mut layout = Layout::new();
        let image = layout.image("amd64");
        let contents = |files: &[(String, Vec<u8>)]| read(tar(files).as_slice()).unwrap().images[0].contents.clone();
        let oci = contents(&layout.named(image, "io.containerd.image.name"));
        assert_eq!(contents(&docker(layer, layer)), oci);
        assert_eq!(contents(&docker(layer, &gzip(layer))), oci);
        assert_ne!(contents(&docker(b"other", b"other")), oci);
    }

    #[test]
    fn room_is_for_blobs_and_for_what_becomes_of_them() {
        let (layer, rest) = (vec![b'x'; 100_000], |files: &[(String, Vec<u8>)]| files[0].1.len() + files[2].1.len());
        let room = |archive: &[u8]| read(archive).unwrap().room;
        let plain = docker(&layer, &layer);
        let expected = 2 * (layer.len() + rest(&plain)) as u64;
        assert_eq!(room(&tar(&plain)), expected);
        assert_eq!(room(&gzip(&tar(&plain))), expected);
        let compressed = docker(&layer, &gzip(&layer));
        assert_eq!(room(&tar(&compressed)), (gzip(&layer).len() + layer.len() + 2 * rest(&compressed)) as u64);
    }

    #[test]
    fn what_is_compressed_in_another_way_is_named() {
        for (magic, name) in [(ZSTD, "zstd"), (XZ, "xz")] {
            let said = read(magic).unwrap_err().to_string();
            assert_eq!(said, format!("it is compressed with {name}"));
        }
    }

    #[test]
    fn what_is_cut_short_is_no_archive() {
        let whole = tar(&docker(&[b'x'; 3000], &[b'x'; 3000]));
        for length in [0, 100, 600, 2000] {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        let compressed = gzip(&whole);
        assert!(read(&compressed[..compressed.len() - 9]).is_err());
    }

    #[test]
    fn small_layers_leave_room_for_json() {
        let layer = vec![0; 4 << 20];
        let mut files: Vec<_> = (0..20).map(|number| (format!("{number}"), layer.clone())).collect();
        files.extend(docker(b"layer", b"layer"));
        assert!(names(&files).is_ok());
    }
}
