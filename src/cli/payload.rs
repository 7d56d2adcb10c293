//! `hagen render --payload DIR`: what the folder holds of what the machines need, and the disk that is made of it.
//!
//! The folder is read twice: to compare it with what is needed, and when the disk is written. Neither takes memory that
//! grows with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use camino::Utf8Path;
use hagen::cluster::Cluster;
use hagen::config::catalogue::Code;
use hagen::config::diagnostics::{Severity, render_without_text};
use hagen::config::schema::Document;
use hagen::format::Entry;
use hagen::kubernetes::images::Image;
use hagen::media::iso9660;
use hagen::payload::archive::{self, ArchiveError, Archived};
use hagen::payload::{
    CODENAME, EXTENSION_PROCESSOR, EXTENSIONS, Hashing, INDEX, LABEL, PACKAGES, SUMS, Thing, packages, things,
};
use hagen::secrets::hexadecimal;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::Failure;

/// What helps where a file is damaged.
const AGAIN: &str = "remove it, and fetch it again: the script does not fetch what is there";

/// What is wrong, and what helps.
struct Problem {
    code: Code,
    message: String,
    help: &'static str,
}

/// What is found, and what is wrong with it.
struct Search<'a> {
    folder: &'a Utf8Path,
    /// What goes onto the disk, by path from the folder: bytes and digest.
    files: BTreeMap<String, (u64, [u8; 32])>,
    problems: Vec<Problem>,
    /// Those that all images are for; empty where no image is wanted.
    processors: BTreeSet<String>,
}

/// The disk with what `document` takes from a payload, which `folder` must hold.
///
/// # Errors
/// When something is missing or damaged; all of it is said.
pub fn read(folder: &Utf8Path, document: &Document) -> Result<Entry, Failure> {
    let software = &document.software;
    if !software.installs && !software.loads_images {
        return Err(Failure::Input(
            "error: the document takes nothing from a payload\nhelp: write `software: {images: payload}`, or leave --payload away"
                .to_owned(),
        ));
    }
    fs::read_dir(folder).with_context(|| format!("reading the payload in {folder}"))?;
    // What is needed does not depend on when the secrets were made.
    let cluster = Cluster::resolve(document, OffsetDateTime::UNIX_EPOCH);
    let things: Vec<Thing> = things(&cluster).into_keys().collect();
    let mut search = Search { folder, files: BTreeMap::new(), problems: Vec::new(), processors: BTreeSet::new() };
    let mut index = String::new();
    if software.loads_images {
        let images = things.iter().filter_map(|thing| if let Thing::Image(image) = thing { Some(image) } else { None });
        index = search.images(images)?;
    }
    let packages: Vec<&str> = things
        .iter()
        .filter_map(|thing| if let Thing::Package(name) = thing { Some(name.as_str()) } else { None })
        .collect();
    if !packages.is_empty() {
        search.packages(&packages)?;
    }
    for thing in &things {
        if let Thing::Extension(name) = thing {
            search.extension(name)?;
        }
    }
    search.finish(index)
}

impl<'a> Search<'a> {
    fn missing(&mut self, message: String) {
        let help = "`hagen images --script` writes a script that fetches what is missing";
        self.problems.push(Problem { code: Code::PayloadMissing, message, help });
    }

    fn damaged(&mut self, message: String) {
        self.problems.push(Problem { code: Code::PayloadDamaged, message, help: AGAIN });
    }

    fn mixed(&mut self, message: String) {
        self.problems.push(Problem { code: Code::PayloadMixed, message, help: "keep a folder for each processor" });
    }

    /// Notes a file for the disk; `None` when it is not there.
    fn take(&mut self, path: &str) -> Result<Option<(u64, [u8; 32])>, Failure> {
        match File::open(self.folder.join(path)) {
            Ok(file) => {
                let mut hashing = Hashing::new(file);
                io::copy(&mut hashing, &mut io::sink()).with_context(|| self.reading(path))?;
                let found = hashing.finish();
                self.files.insert(path.to_owned(), found);
                Ok(Some(found))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(anyhow::Error::new(error).context(self.reading(path)).into()),
        }
    }

    fn reading(&self, path: &str) -> String {
        format!("reading {}", self.folder.join(path))
    }

    /// The archives that hold `images`, and the list of which one holds what.
    fn images<'i>(&mut self, images: impl Iterator<Item = &'i Image>) -> Result<String, Failure> {
        let mut paths = Vec::new();
        list(self.folder, Utf8Path::new("images"), &mut paths)
            .with_context(|| format!("reading {}", self.folder.join("images")))?;
        let mut archived: BTreeMap<String, Vec<(String, Archived)>> = BTreeMap::new();
        let (mut read, mut unread) = (BTreeMap::new(), Vec::new());
        for path in paths {
            let file = File::open(self.folder.join(&path)).with_context(|| self.reading(&path))?;
            let mut hashing = Hashing::new(file);
            match archive::read(&mut hashing) {
                Ok(found) => {
                    read.insert(path.clone(), (hashing.finish(), found.room));
                    for image in found.images {
                        archived.entry(image.name.clone()).or_default().push((path.clone(), image));
                    }
                }
                Err(error) => {
                    let help = match error {
                        ArchiveError::Compressed(_) => "decompress it: hagen, and ctr of containerd, read tar and gzip",
                        _ => AGAIN,
                    };
                    let message = format!("{}: {error}", self.folder.join(&path));
                    unread.push(Problem { code: Code::PayloadDamaged, message, help });
                }
            }
        }

        // An image may be in several archives, one for each processor.
        let mut taken = Vec::new();
        let mut common: Option<(BTreeSet<String>, &str)> = None;
        for image in images {
            let found = [&image.archived, &image.name].into_iter().find_map(|name| Some((name, archived.get(name)?)));
            let Some((name, archives)) = found else {
                let folder = self.folder.join("images");
                let similar = similar(&image.archived, archived.keys());
                self.missing(format!("no archive below {folder} holds {}{similar}", image.archived));
                // What nobody needs may lie there, whatever it is.
                self.problems.append(&mut unread);
                continue;
            };
            if let Some(message) = contradiction(name, archives) {
                let help = "remove the one that is not meant";
                self.problems.push(Problem { code: Code::PayloadDamaged, message, help });
            }
            let own: BTreeSet<String> = archives.iter().flat_map(|(_, image)| image.architectures()).collect();
            match &mut common {
                None => common = Some((own.clone(), &image.name)),
                Some((common, first)) => {
                    let both: BTreeSet<String> = common.intersection(&own).cloned().collect();
                    if both.is_empty() {
                        let (own, others) = (list_of(&own), list_of(common));
                        let paths: Vec<&str> = archives.iter().map(|(path, _)| path.as_str()).collect();
                        self.damaged(format!(
                            "{}: {} is for {own}, and {first} for {others}",
                            paths.join(", "),
                            image.name
                        ));
                    } else {
                        *common = both;
                    }
                }
            }
            taken.push((image, name, archives, own));
        }

        self.processors = common.map(|(common, _)| common).unwrap_or_default();
        let mut index = String::new();
        let mut is_mixed = false;
        for (image, name, archives, own) in taken {
            let whole = archives.iter().find(|(_, image)| image.architectures().is_superset(&self.processors));
            let Some((path, _)) = whole.or_else(|| archives.first()) else { continue };
            let Some((found, room)) = read.get(path) else { continue };
            is_mixed |= whole.is_none() && own.is_superset(&self.processors);
            index.push_str(&format!("{}\t{name}\t{path}\t{room}\n", image.name));
            self.files.insert(path.clone(), *found);
        }
        if is_mixed {
            self.mixed(format!("{} holds the images for each of {}", self.folder, list_of(&self.processors)));
        }
        Ok(index)
    }

    /// All packages of the list, in which `wanted` must be.
    fn packages(&mut self, wanted: &[&str]) -> Result<(), Failure> {
        let path = format!("{PACKAGES}/Packages");
        let text = match fs::read_to_string(self.folder.join(&path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.missing(format!("{} has no {path}", self.folder));
                return Ok(());
            }
            text => text.with_context(|| self.reading(&path))?,
        };
        self.take(&path)?;
        // The release that they are of, where the script has said it.
        self.take(&format!("{PACKAGES}/{CODENAME}"))?;
        let list = packages::parse(&text);
        for wanted in wanted {
            if !list.iter().any(|package| package.is(wanted)) {
                self.missing(format!("{} lists no {wanted}", self.folder.join(&path)));
            }
        }
        let mut processors = self.processors.clone();
        for (package, own) in list.iter().filter_map(|package| Some((package, package.processor()?))) {
            if processors.is_empty() || processors.contains(own) {
                processors = BTreeSet::from([own.to_owned()]);
            } else {
                let file = &package.file;
                self.mixed(format!("{path} lists {file} for {own}, and others are for {}", list_of(&processors)));
                break;
            }
        }
        for package in &list {
            let file = format!("{PACKAGES}/{}", package.file);
            match self.take(&file)? {
                None => self.missing(format!("{} lists {file}, which is not there", self.folder.join(&path))),
                Some((_, digest)) if hexadecimal(&digest) != package.sha256 => {
                    self.damaged(format!("{} is not the file that Packages lists", self.folder.join(&file)));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// A system extension, which there is for one kind of processor only.
    fn extension(&mut self, name: &str) -> Result<(), Failure> {
        let path = format!("{EXTENSIONS}/{name}");
        if self.take(&path)?.is_none() {
            self.missing(format!("{} has no {path}", self.folder));
        }
        if !self.processors.is_empty() && !self.processors.contains(EXTENSION_PROCESSOR) {
            let images = list_of(&self.processors);
            self.problems.push(Problem {
                code: Code::PayloadMixed,
                message: format!("{path} is for {EXTENSION_PROCESSOR}, and the images are for {images}"),
                help: "on machines with another processor the programs are in the image: `software: {images: payload}`",
            });
        }
        Ok(())
    }

    /// The disk, if nothing is wrong.
    fn finish(mut self, index: String) -> Result<Entry, Failure> {
        for path in self.files.keys() {
            // sha256sum writes such names in another way, and images.tsv has no room for them.
            if path.contains(|c: char| c == '\\' || c.is_whitespace() || c.is_control()) {
                self.problems.push(Problem {
                    code: Code::PayloadDamaged,
                    message: format!("`{}` cannot be on the disk", path.escape_debug()),
                    help: "rename it, without blanks and backslashes",
                });
            }
        }
        if !self.problems.is_empty() {
            return Err(Failure::Input(format!("{}\nnothing was written", say(&self.problems))));
        }

        let mut sums = String::new();
        for (path, (_, digest)) in &self.files {
            sums.push_str(&format!("{}  {path}\n", hexadecimal(digest)));
        }
        let mut written = Vec::new();
        if !index.is_empty() {
            sums.push_str(&format!("{}  {INDEX}\n", hexadecimal(&Sha256::digest(&index))));
            written.push((INDEX, index));
        }
        written.push((SUMS, sums));
        let described = |path: &str, size| iso9660::File { path: path.to_owned(), size, mode: 0o444 };
        let own = written.iter().map(|(path, text)| described(path, text.len() as u64));
        let found = self.files.iter().map(|(path, (size, _))| described(path, *size));
        let described: Vec<iso9660::File> = own.chain(found).collect();
        let image =
            iso9660::Image::new(LABEL, 0o555, &described).map_err(|error| Failure::Input(format!("error: {error}")))?;
        let folder = self.folder.to_owned();
        let write = move |out: &mut dyn io::Write| {
            image.write(out, |file, out| match written.iter().find(|(path, _)| *path == file.path) {
                Some((_, text)) => out.write_all(text.as_bytes()),
                None => io::copy(&mut File::open(folder.join(&file.path))?, out).map(drop),
            })
        };
        let mut digest = Digesting(Sha256::new());
        write(&mut digest).with_context(|| format!("reading {}", self.folder))?;
        Ok(Entry::Stream { sha256: digest.0.finalize().into(), write: Box::new(write) })
    }
}

/// Processors, in words.
fn list_of(architectures: &BTreeSet<String>) -> String {
    let names: Vec<&str> = architectures.iter().map(String::as_str).collect();
    if names.is_empty() { "a processor that it does not name".to_owned() } else { names.join(", ") }
}

/// The names in archives of which all but registry, folder and tag is that of `wanted`, as the end of a sentence.
fn similar<'n>(wanted: &str, names: impl Iterator<Item = &'n String>) -> String {
    fn last(name: &str) -> &str {
        let path = name.split('@').next().unwrap_or_default();
        path.rsplit('/').next().and_then(|last| last.split(':').next()).unwrap_or_default()
    }
    let found: Vec<&str> = names.filter(|name| last(name) == last(wanted)).map(String::as_str).take(3).collect();
    if found.is_empty() { String::new() } else { format!(", but {}", found.join(", ")) }
}

/// What is wrong with archives that call different images for one processor the same.
fn contradiction(name: &str, archives: &[(String, Archived)]) -> Option<String> {
    let of = |image: &Archived, processor: &str| -> BTreeSet<String> {
        image.contents.iter().filter(|(own, _)| own == processor).map(|(_, digest)| digest.clone()).collect()
    };
    archives.iter().enumerate().find_map(|(number, (path, image))| {
        archives[..number].iter().find_map(|(other, earlier)| {
            let both = image.architectures().intersection(&earlier.architectures()).cloned().collect::<Vec<_>>();
            let differs = both.iter().find(|&one| of(image, one).is_disjoint(&of(earlier, one)))?;
            Some(format!("{other} and {path} hold different images called {name} for {differs}"))
        })
    })
}

/// Says every problem, as those of a document are said.
fn say(problems: &[Problem]) -> String {
    let said = problems.iter().map(|Problem { code, message, help }| {
        render_without_text(Severity::Error, *code, message, None, help, io::stderr().is_terminal())
    });
    said.collect::<Vec<_>>().join("\n")
}

/// The files below a folder, as paths from `root`, in their order. Hidden ones are not finished.
fn list(root: &Utf8Path, below: &Utf8Path, paths: &mut Vec<String>) -> io::Result<()> {
    let mut names: Vec<String> = match root.join(below).read_dir_utf8() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?.map(|entry| Ok(entry?.file_name().to_owned())).collect::<io::Result<_>>()?,
    };
    names.sort();
    for name in names.iter().filter(|name| !name.starts_with('.')) {
        let path = below.join(name);
        // People link archives.
        if root.join(&path).metadata()?.is_dir() {
            list(root, &path, paths)?;
        } else {
            paths.push(path.into_string());
        }
    }
    Ok(())
}

/// Somewhere to write to for the digest's sake.
struct Digesting(Sha256);

impl io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
