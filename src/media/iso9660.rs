//! ISO 9660 with Rock Ridge and Joliet: seeds that cloud-init and Ignition look for by label, and disks with a payload
//! of any size.
//!
//! Paths, sizes and modes come in, and give an [`Image`]: everything but the contents, laid out. Writing it asks for
//! the contents one file after another, so memory does not grow with them. The same input gives the same bytes: every
//! date is 1980-01-01, which is also the UUID that blkid shows, so such disks are told apart by label.
//!
//! Linux reads Rock Ridge, which has names and modes as they are; Windows and macOS read Joliet. What remains for
//! readers that know neither are upper-case names of up to 31 characters.
//!
//! Written by hand: the format is at rest, and the crates that write Rock Ridge are not.
//! Sources: ECMA-119 (ISO 9660), SUSP and RRIP 1.10, the Joliet specification of 1995. 1.10 and not 1.12 is what
//! genisoimage and xorriso write; the difference is inode numbers, which Linux does not read.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

const BLOCK: usize = 2048;
/// A CD's last blocks may not be readable, and Linux reads ahead: what is wanted has to end 150 sectors (two seconds)
/// before them. Burnt images need that; it costs the others 300 KiB.
const PADDING: u64 = 150;
/// The largest extent: its length has 32 bits, and all but a file's last must fill their blocks.
const EXTENT: u64 = (1 << 32) - BLOCK as u64;
/// The largest file, 400 GiB: Linux gives up after 100 extents (`isofs_read_level3_size` and `isofs_get_blocks`).
const LARGEST: u64 = 100 * EXTENT;
/// Bytes of a name. Linux knows 255; 250 fit into one NM field.
const NAME: usize = 250;
/// Folders in a path: ISO 9660 has eight levels, and the root is one.
const DEPTH: usize = 7;
/// Bytes of a directory record: its length is one byte, and even.
const RECORD: usize = 254;

/// 1980-01-01 00:00:00 UTC, as directory records and as descriptors write it.
const DATE: [u8; 7] = [80, 1, 1, 0, 0, 0, 0];
const LONG_DATE: [u8; 17] = *b"1980010100000000\0";
const NO_DATE: [u8; 17] = *b"0000000000000000\0";

const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

/// A file that an image will hold. It belongs to root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path from the root of the image, with `/` and without one in front. Folders come from paths.
    pub path: String,
    /// Bytes, exactly.
    pub size: u64,
    /// Permission bits.
    pub mode: u32,
}

/// What cannot be written as an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IsoError {
    /// A label that not both descriptors can hold.
    #[error("the label `{0}` is not 1 to 16 printable ASCII characters")]
    Label(String),
    /// A path with a name that no file can have.
    #[error("`{0}`: names are 1 to {NAME} bytes, without NUL, and neither `.` nor `..`")]
    Name(String),
    /// A path with too many folders.
    #[error("`{0}` is more than {DEPTH} folders deep")]
    Depth(String),
    /// A path that is there twice, or that is a file and a folder.
    #[error("`{0}` is there twice, or is a folder and a file")]
    Twice(String),
    /// A file that Linux would not read to its end.
    #[error("`{0}` is larger than {LARGEST} bytes")]
    Size(String),
    /// More folders than a path table has numbers for.
    #[error("there are more than {} folders", u16::MAX)]
    Folders,
    /// More blocks than there are numbers for.
    #[error("the image would be larger than 8 TiB")]
    Full,
}

/// An image without its contents.
#[derive(Debug, Clone)]
pub struct Image {
    /// Everything before the first file.
    head: Vec<u8>,
    files: Vec<File>,
    blocks: u64,
}

impl Image {
    /// Lays out an image with the volume label `label`, whose folders have the permission bits `folder_mode`. Contents
    /// lie in the order of `files`.
    ///
    /// cloud-init takes `cidata` and `CIDATA` as label of a seed, Ignition (its `proxmoxve`) only `cidata`.
    ///
    /// # Errors
    /// [`IsoError`] names the first thing that an image cannot hold.
    pub fn new(label: &str, folder_mode: u32, files: &[File]) -> Result<Self, IsoError> {
        if !(1..=16).contains(&label.len()) || !label.chars().all(|c| matches!(c, ' '..='~')) {
            return Err(IsoError::Label(label.to_owned()));
        }
        let names = names(files)?;
        let mut data = Data { files, starts: vec![0; files.len()], folder_mode };
        let mut trees = [Tree::new(Kind::RockRidge, &names), Tree::new(Kind::Joliet, &names)];
        if trees[0].folders.len() > usize::from(u16::MAX) {
            return Err(IsoError::Folders);
        }

        // The system area, two descriptors and their terminator.
        let mut next = 16 + 3;
        for tree in &mut trees {
            next = tree.place(next, &data);
        }
        for (start, file) in data.starts.iter_mut().zip(files) {
            *start = next;
            next += blocks(file.size);
        }
        let blocks = next + PADDING;
        if blocks > u64::from(u32::MAX) {
            return Err(IsoError::Full);
        }

        let mut head = vec![0; 16 * BLOCK];
        for tree in &trees {
            head.extend(tree.descriptor(label, blocks));
        }
        head.extend(b"\xffCD001\x01");
        fill(&mut head);
        for tree in &trees {
            tree.write(&mut head, &data);
        }
        Ok(Self { head, files: files.to_vec(), blocks })
    }

    /// Bytes of the whole image.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.blocks * BLOCK as u64
    }

    /// Writes the image. `content` is called once for each file, in the order given to [`Image::new`], and writes the
    /// file's content.
    ///
    /// # Errors
    /// What `out` and `content` return, and [`io::ErrorKind::InvalidData`] when a content is not as long as announced.
    pub fn write(
        &self,
        out: &mut dyn Write,
        mut content: impl FnMut(&File, &mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        const ZEROES: [u8; BLOCK] = [0; BLOCK];
        out.write_all(&self.head)?;
        for file in &self.files {
            let mut exactly = Exactly { out, file, left: file.size };
            content(file, &mut exactly)?;
            if exactly.left > 0 {
                return Err(exactly.wrong("ended early"));
            }
            let unused = blocks(file.size) * BLOCK as u64 - file.size;
            out.write_all(&ZEROES[..unused as usize])?;
        }
        for _ in 0..PADDING {
            out.write_all(&ZEROES)?;
        }
        Ok(())
    }
}

/// A whole image of files in memory, each a path, permission bits and a content.
///
/// # Errors
/// As [`Image::new`].
pub fn to_bytes(label: &str, folder_mode: u32, files: &[(&str, u32, &[u8])]) -> Result<Vec<u8>, IsoError> {
    let described: Vec<File> = files
        .iter()
        .map(|&(path, mode, content)| File { path: path.to_owned(), size: content.len() as u64, mode })
        .collect();
    let Image { head: mut bytes, blocks, .. } = Image::new(label, folder_mode, &described)?;
    for (_, _, content) in files {
        bytes.extend_from_slice(content);
        fill(&mut bytes);
    }
    bytes.resize(blocks as usize * BLOCK, 0);
    Ok(bytes)
}

/// Passes on one file's content, and no byte more than it may have.
struct Exactly<'a> {
    out: &'a mut dyn Write,
    file: &'a File,
    left: u64,
}

impl Exactly<'_> {
    fn wrong(&self, how: &str) -> io::Error {
        let File { path, size, .. } = self.file;
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{path}: {size} bytes were announced, and the content {how}"),
        )
    }
}

impl Write for Exactly<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.left {
            return Err(self.wrong("is longer"));
        }
        let written = self.out.write(bytes)?;
        self.left -= written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What a folder holds, by name.
type Names<'a> = BTreeMap<&'a str, Node<'a>>;

enum Node<'a> {
    /// By its number in the list.
    File(usize),
    Folder(Names<'a>),
}

/// The tree that all paths together are.
fn names(files: &[File]) -> Result<Names<'_>, IsoError> {
    fn insert<'a>(folder: &mut Names<'a>, path: &'a str, number: usize) -> bool {
        let Some((name, rest)) = path.split_once('/') else {
            return folder.insert(path, Node::File(number)).is_none();
        };
        match folder.entry(name).or_insert_with(|| Node::Folder(Names::new())) {
            Node::Folder(inner) => insert(inner, rest, number),
            Node::File(_) => false,
        }
    }

    let mut root = Names::new();
    for (number, file) in files.iter().enumerate() {
        let path = &file.path;
        let usable =
            |name: &str| (1..=NAME).contains(&name.len()) && name != "." && name != ".." && !name.contains('\0');
        if !path.split('/').all(usable) {
            return Err(IsoError::Name(path.clone()));
        }
        if path.matches('/').count() > DEPTH {
            return Err(IsoError::Depth(path.clone()));
        }
        if file.size > LARGEST {
            return Err(IsoError::Size(path.clone()));
        }
        if !insert(&mut root, path, number) {
            return Err(IsoError::Twice(path.clone()));
        }
    }
    Ok(root)
}

/// What both trees point to.
struct Data<'a> {
    files: &'a [File],
    /// The first block of each.
    starts: Vec<u64>,
    folder_mode: u32,
}

/// Blocks in a row, as a directory record describes them.
struct Extent {
    start: u64,
    /// Bytes.
    length: u64,
    flags: u8,
}

const IS_FOLDER: u8 = 0x02;
const CONTINUES: u8 = 0x80;

impl Data<'_> {
    /// The extents of a file, one after another. An empty file has one, too.
    fn extents(&self, number: usize) -> Vec<Extent> {
        let (start, size) = (self.starts[number], self.files[number].size);
        let extent = |nth: u64| {
            let left = size - nth * EXTENT;
            let flags = if left > EXTENT { CONTINUES } else { 0 };
            Extent { start: start + nth * blocks(EXTENT), length: left.min(EXTENT), flags }
        };
        (0..size.div_ceil(EXTENT).max(1)).map(extent).collect()
    }
}

/// The two ways of naming the same files. ISO 9660's own names and Rock Ridge's share one tree.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    RockRidge,
    Joliet,
}

/// One tree of folders, behind its path tables.
struct Tree<'a> {
    kind: Kind,
    /// Level by level, and in each by identifier: the order of the path table, which is that of the numbers in it.
    folders: Vec<Folder<'a>>,
    /// The first block of the path table in each byte order, and its bytes.
    tables: [u64; 2],
    table_length: usize,
}

struct Folder<'a> {
    entries: Vec<Entry<'a>>,
    identifier: Vec<u8>,
    /// The number of the folder that it is in; the root's is its own.
    parent: usize,
    /// Folders in it.
    folders: u32,
    /// Its first block, and the bytes of its records; names that these have no room for come right behind.
    start: u64,
    length: usize,
}

struct Entry<'a> {
    identifier: Vec<u8>,
    /// Empty for the folder itself and its parent.
    name: &'a str,
    target: Target,
}

enum Target {
    File(usize),
    Folder(usize),
}

impl<'a> Tree<'a> {
    fn new(kind: Kind, root: &'a Names<'a>) -> Self {
        let mut queue = vec![root];
        let mut folders = vec![Folder::new(vec![0], 0, 0)];
        let mut number = 0;
        while let Some(names) = queue.get(number) {
            for (identifier, name, node) in kind.identifiers(names) {
                let target = match node {
                    Node::File(file) => Target::File(*file),
                    Node::Folder(inner) => {
                        queue.push(inner);
                        folders.push(Folder::new(identifier.clone(), folders.len(), number));
                        folders[number].folders += 1;
                        Target::Folder(folders.len() - 1)
                    }
                };
                folders[number].entries.push(Entry { identifier, name, target });
            }
            number += 1;
        }
        Self { kind, folders, tables: [0; 2], table_length: 0 }
    }

    /// Gives everything its place from block `start` on, and returns the first block behind it.
    fn place(&mut self, start: u64, data: &Data<'_>) -> u64 {
        // Only lengths are wanted here, and these do not depend on where things are.
        self.table_length = self.path_tables()[0].len();
        let table_blocks = blocks(self.table_length as u64);
        self.tables = [start, start + table_blocks];
        let mut next = start + 2 * table_blocks;
        for number in 0..self.folders.len() {
            let (records, continued) = self.records(number, data);
            let folder = &mut self.folders[number];
            folder.start = next;
            folder.length = records.len();
            next += blocks((records.len() + continued.len()) as u64);
        }
        next
    }

    /// What [`Tree::place`] has made room for.
    fn write(&self, out: &mut Vec<u8>, data: &Data<'_>) {
        for table in self.path_tables() {
            out.extend(table);
            fill(out);
        }
        for number in 0..self.folders.len() {
            let (records, continued) = self.records(number, data);
            out.extend(records);
            out.extend(continued);
            fill(out);
        }
    }

    /// The descriptor of a volume of `blocks` blocks that has this tree (ECMA-119, 8.4 and 8.5).
    fn descriptor(&self, label: &str, blocks: u64) -> Vec<u8> {
        let (number, escape): (u8, &[u8]) = match self.kind {
            Kind::RockRidge => (1, b""),
            // UCS-2, level 3.
            Kind::Joliet => (2, b"%/E"),
        };
        let [little, big] = self.tables.map(|start| start as u32);
        let mut out = vec![number];
        out.extend(b"CD001\x01\0");
        out.extend(self.text("", 32));
        out.extend(self.text(label, 32));
        out.extend([0; 8]);
        out.extend(both32(blocks));
        out.extend(escape);
        out.resize(120, 0);
        // The first of one volume.
        out.extend([both16(1), both16(1), both16(BLOCK as u16)].concat());
        out.extend(both32(self.table_length as u64));
        out.extend([little.to_le_bytes(), [0; 4], big.to_be_bytes(), [0; 4]].concat());
        out.extend(record(&[0], &self.folders[0].extent(), &[]));
        // Volume set, publisher, preparer, application; files with copyright, abstract and bibliography.
        for (value, width) in [("", 128), ("", 128), ("", 128), ("HAGEN", 128), ("", 37), ("", 37), ("", 37)] {
            out.extend(self.text(value, width));
        }
        // Created, changed, expires, effective.
        out.extend([LONG_DATE, LONG_DATE, NO_DATE, NO_DATE].concat());
        out.push(1);
        fill(&mut out);
        out
    }

    /// A field of a descriptor, filled with blanks to `width` bytes.
    fn text(&self, value: &str, width: usize) -> Vec<u8> {
        let characters = value.chars().chain(std::iter::repeat(' '));
        let mut out = match self.kind {
            Kind::RockRidge => characters.take(width).map(|c| c as u8).collect(),
            Kind::Joliet => ucs2(characters.take(width / 2)),
        };
        out.resize(width, 0);
        out
    }

    /// The path table, little endian and big endian (ECMA-119, 9.4).
    fn path_tables(&self) -> [Vec<u8>; 2] {
        let [mut little, mut big] = [Vec::new(), Vec::new()];
        for Folder { identifier, parent, start, .. } in &self.folders {
            // Numbers count from 1.
            let (start, parent) = (*start as u32, *parent as u16 + 1);
            for (table, start, parent) in [
                (&mut little, start.to_le_bytes(), parent.to_le_bytes()),
                (&mut big, start.to_be_bytes(), parent.to_be_bytes()),
            ] {
                table.extend([identifier.len() as u8, 0]);
                table.extend(start);
                table.extend(parent);
                table.extend(identifier);
                even(table);
            }
        }
        [little, big]
    }

    /// The records of a folder, and the names that did not fit into them.
    fn records(&self, number: usize, data: &Data<'_>) -> (Vec<u8>, Vec<u8>) {
        let folder = &self.folders[number];
        let mut records = Vec::new();
        let mut continued = Vec::new();
        for Entry { identifier, name, target } in &folder.entries {
            let (mode, links, extents) = match *target {
                Target::File(file) => (FILE | data.files[file].mode & 0o7777, 1, data.extents(file)),
                Target::Folder(inner) => {
                    let inner = &self.folders[inner];
                    (FOLDER | data.folder_mode & 0o7777, 2 + inner.folders, vec![inner.extent()])
                }
            };
            let mut fields = Vec::new();
            if self.kind == Kind::RockRidge {
                fields = attributes(mode, links);
                if number == 0 && *identifier == [0] {
                    // That there is Rock Ridge: SP as the very first field, and ER with its name and no prose.
                    fields.splice(..0, *b"SP\x07\x01\xbe\xef\0");
                    fields.extend(b"ER\x12\x01\x0a\0\0\x01RRIP_1991A");
                }
                let room = RECORD - record(identifier, &extents[0], &fields).len();
                let behind = folder.start * BLOCK as u64 + folder.length as u64;
                fields.extend(name_field(name, room, behind, &mut continued));
            }
            for extent in extents {
                push(&mut records, &record(identifier, &extent, &fields));
            }
        }
        fill(&mut records);
        (records, continued)
    }
}

impl Folder<'_> {
    fn new(identifier: Vec<u8>, number: usize, parent: usize) -> Self {
        let entry = |identifier, folder| Entry { identifier, name: "", target: Target::Folder(folder) };
        let entries = vec![entry(vec![0], number), entry(vec![1], parent)];
        Self { entries, identifier, parent, folders: 0, start: 0, length: 0 }
    }

    fn extent(&self) -> Extent {
        Extent { start: self.start, length: self.length as u64, flags: IS_FOLDER }
    }
}

impl Kind {
    /// A folder's entries with an identifier each, in the order of those. Where names become alike, a number keeps them
    /// apart; so it does where only case differs, to which Linux and Windows are blind in Joliet.
    fn identifiers<'a>(self, names: &'a Names<'a>) -> impl Iterator<Item = (Vec<u8>, &'a str, &'a Node<'a>)> {
        let mut taken = BTreeSet::new();
        let mut sorted = BTreeMap::new();
        for (position, (name, node)) in names.iter().enumerate() {
            let folder = matches!(node, Node::Folder(_));
            let mut identifier = self.identifier(name, folder, "");
            let mut number = position;
            while !taken.insert(identifier.to_lowercase()) {
                identifier = self.identifier(name, folder, &number.to_string());
                number += 1;
            }
            // The dot comes before everything else: of two stems, the shorter one is first.
            let key = identifier.replace('.', "\0");
            sorted.insert(key, (self.bytes(&identifier, folder), *name, node));
        }
        sorted.into_values()
    }

    /// A name in the characters that the tree allows, and in its length: 30 without the dot for ISO 9660; for Joliet,
    /// whose specification says 64, the 103 that genisoimage and xorriso know as long names and Linux reads.
    fn identifier(self, name: &str, folder: bool, number: &str) -> String {
        let extension = name.rsplit_once('.').filter(|(_, end)| !folder && (1..=8).contains(&end.chars().count()));
        let (stem, extension, dot) = extension.map_or((name, "", ""), |(stem, extension)| (stem, extension, "."));
        let (limit, allowed): (usize, fn(char) -> char) = match self {
            Self::RockRidge => (30, |c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }),
            Self::Joliet => (103 - dot.len(), |c| match c {
                '\0'..' ' | '*' | '/' | ':' | ';' | '?' | '\\' | '\u{10000}'.. => '_',
                _ => c,
            }),
        };
        let stem = stem.chars().take(limit - number.len() - extension.chars().count()).map(allowed).collect::<String>();
        let extension = extension.chars().map(allowed).collect::<String>();
        let mut identifier = format!("{stem}{number}{dot}{extension}");
        // Linux and Windows take it off, and the name `...` would lead out of its folder.
        if identifier.ends_with('.') {
            identifier.pop();
            identifier.push('_');
        }
        identifier
    }

    /// An identifier as it is written. Files of ISO 9660 always have a dot and a version.
    fn bytes(self, identifier: &str, folder: bool) -> Vec<u8> {
        match self {
            Self::Joliet => ucs2(identifier.chars()),
            Self::RockRidge if folder => identifier.into(),
            Self::RockRidge if identifier.contains('.') => format!("{identifier};1").into(),
            Self::RockRidge => format!("{identifier}.;1").into(),
        }
    }
}

/// A directory record (ECMA-119, 9.1).
fn record(identifier: &[u8], extent: &Extent, system_use: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0];
    out.extend([both32(extent.start), both32(extent.length)].concat());
    out.extend(DATE);
    out.extend([extent.flags, 0, 0]);
    out.extend(both16(1));
    out.push(identifier.len() as u8);
    out.extend(identifier);
    even(&mut out);
    out.extend(system_use);
    even(&mut out);
    out[0] = out.len() as u8;
    out
}

/// Mode, links and owner (PX), and dates (TF) of Rock Ridge.
fn attributes(mode: u32, links: u32) -> Vec<u8> {
    let mut out = b"PX\x24\x01".to_vec();
    out.extend([mode, links, 0, 0].map(|number| both32(number.into())).concat());
    // Changed, read, attributes changed.
    out.extend(b"TF\x1a\x01\x0e");
    out.extend([DATE; 3].concat());
    out
}

/// The name of Rock Ridge (NM). Where there is no `room` for it, it goes to the end of `continued`, which lies at byte
/// `behind` of the image, and CE says where it is.
fn name_field(name: &str, room: usize, behind: u64, continued: &mut Vec<u8>) -> Vec<u8> {
    if name.is_empty() {
        return Vec::new();
    }
    let field = [b"NM", &[5 + name.len() as u8, 1, 0][..], name.as_bytes()].concat();
    if field.len() <= room {
        return field;
    }
    push(continued, &field);
    let at = behind + (continued.len() - field.len()) as u64;
    let mut out = b"CE\x1c\x01".to_vec();
    out.extend([at / BLOCK as u64, at % BLOCK as u64, field.len() as u64].map(both32).concat());
    out
}

/// Appends what must not cross the end of a block.
fn push(area: &mut Vec<u8>, piece: &[u8]) {
    if area.len() % BLOCK + piece.len() > BLOCK {
        fill(area);
    }
    area.extend(piece);
}

/// Zeroes up to the end of the block.
fn fill(area: &mut Vec<u8>) {
    area.resize(area.len().next_multiple_of(BLOCK), 0);
}

/// One zero, if need be.
fn even(area: &mut Vec<u8>) {
    area.resize(area.len().next_multiple_of(2), 0);
}

fn blocks(bytes: u64) -> u64 {
    bytes.div_ceil(BLOCK as u64)
}

/// A number in both byte orders (ECMA-119, 7.3.3 and 7.2.3).
fn both32(number: u64) -> [u8; 8] {
    let number = number as u32;
    let mut out = [0; 8];
    out[..4].copy_from_slice(&number.to_le_bytes());
    out[4..].copy_from_slice(&number.to_be_bytes());
    out
}

fn both16(number: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (number.to_le_bytes(), number.to_be_bytes());
    [a, b, c, d]
}

/// Big endian, one unit a character: [`Kind::identifier`] and labels have no others.
fn ucs2(characters: impl Iterator<Item = char>) -> Vec<u8> {
    characters.flat_map(|c| (c as u16).to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::secrets::hexadecimal;

    const SEED: [(&str, u32, &[u8]); 3] = [
        ("user-data", 0o400, b"#cloud-config\n{}\n"),
        ("meta-data", 0o400, b""),
        ("network-config", 0o400, b"version: 2\n"),
    ];

    fn file(path: &str, size: u64) -> File {
        File { path: path.to_owned(), size, mode: 0o444 }
    }

    fn refused(files: &[File]) -> IsoError {
        Image::new("hagen-payload", 0o500, files).unwrap_err()
    }

    #[test]
    fn a_seed_has_the_same_bytes_for_ever() {
        let bytes = to_bytes("cidata", 0o500, &SEED).unwrap();
        let digest = hexadecimal(&Sha256::digest(&bytes));
        assert_eq!(digest, "e69cdc0547185b7b52fd4fdd32997eb2e9931ef3c53b963aaf46f27cffa87d2a");
        assert_eq!(&bytes[0x8028..0x8030], b"cidata  ");
        assert_eq!(&bytes[0x8828..0x8834], b"\0c\0i\0d\0a\0t\0a");
    }

    #[test]
    fn writing_and_memory_agree() {
        let files: Vec<File> =
            SEED.iter().map(|(path, mode, content)| File { mode: *mode, ..file(path, content.len() as u64) }).collect();
        let image = Image::new("cidata", 0o500, &files).unwrap();
        let mut written = Vec::new();
        let mut contents = SEED.iter();
        // As a file would be copied: in pieces.
        let content = |file: &File, out: &mut dyn Write| {
            let (path, _, content) = contents.next().unwrap();
            assert_eq!(*path, file.path);
            content.chunks(3).try_for_each(|piece| out.write_all(piece))
        };
        image.write(&mut written, content).unwrap();
        assert_eq!(written.len() as u64, image.size());
        assert!(written == to_bytes("cidata", 0o500, &SEED).unwrap());
    }

    #[test]
    fn a_content_of_another_length_is_an_error() {
        let image = Image::new("hagen-payload", 0o500, &[file("images/a.tar", 5)]).unwrap();
        let write = |content: &[u8]| {
            image.write(&mut io::sink(), |_, out| out.write_all(content)).map_err(|error| error.to_string())
        };
        assert_eq!(write(b"12345"), Ok(()));
        assert_eq!(write(b"1234").unwrap_err(), "images/a.tar: 5 bytes were announced, and the content ended early");
        assert_eq!(write(b"123456").unwrap_err(), "images/a.tar: 5 bytes were announced, and the content is longer");
    }

    #[test]
    fn what_an_image_cannot_hold_is_named() {
        for label in ["", "hagen-payload-of-many", "grün"] {
            assert_eq!(Image::new(label, 0o500, &[]).unwrap_err(), IsoError::Label(label.to_owned()));
        }
        for path in ["", "/etc", "a//b", "a/", "a/../b", "nul\0", &"n".repeat(251)] {
            assert_eq!(refused(&[file(path, 0)]), IsoError::Name(path.to_owned()));
        }
        assert_eq!(refused(&[file("1/2/3/4/5/6/7/8/9", 0)]), IsoError::Depth("1/2/3/4/5/6/7/8/9".to_owned()));
        for (one, other) in [("a", "a"), ("a", "a/b"), ("a/b", "a")] {
            assert_eq!(refused(&[file(one, 0), file(other, 0)]), IsoError::Twice(other.to_owned()));
        }
        assert_eq!(refused(&[file("a", LARGEST + 1)]), IsoError::Size("a".to_owned()));
        let many: Vec<File> = (0..21).map(|number| file(&number.to_string(), LARGEST)).collect();
        assert!(Image::new("hagen-payload", 0o500, &many[..20]).is_ok());
        assert_eq!(refused(&many), IsoError::Full);
        let deep: Vec<File> = (0..65535).map(|number| file(&format!("{number}/a"), 0)).collect();
        assert_eq!(refused(&deep), IsoError::Folders);
    }

    #[test]
    fn identifiers_are_valid_and_differ() {
        let long = |end: &str| format!("{}{end}", "ü".repeat(120));
        let files =
            [".x", "user-data", "user_data", "a.b.deb", "a-b.deb", "a.b", "a", "A", &long("1.tar"), &long("2.tar")]
                .map(|name| file(name, 0));
        let names = names(&files).unwrap();
        let plain: Vec<_> = Kind::RockRidge.identifiers(&names).map(|(bytes, ..)| String::from_utf8(bytes)).collect();
        let tail = "_".repeat(25);
        let long = [format!("{tail}_9.TAR;1"), format!("{tail}__.TAR;1")];
        let short = [".X;1", "A.;1", "A.B;1", "A2.;1", "A_B.DEB;1", "A_B5.DEB;1", "USER_DATA.;1", "USER_DATA7.;1"];
        assert_eq!(
            plain,
            short.into_iter().chain(long.iter().map(String::as_str)).map(|id| Ok(id.to_owned())).collect::<Vec<_>>()
        );
        let joliet = |name: &str, folder| Kind::Joliet.identifier(name, folder, "");
        for name in [".x", "a.b.deb", "v1.36.3", &"ü".repeat(103), &format!("{}.tar", "ü".repeat(99))] {
            assert_eq!(joliet(name, false), name);
            assert_eq!(joliet(name, true), name);
        }
        assert_eq!(joliet("a:b?c\u{1f4bf}.", false), "a_b_c__");
        assert_eq!(joliet("...", true), ".._");
        assert_eq!(joliet(&format!("{}.tar", "ü".repeat(110)), false), format!("{}.tar", "ü".repeat(99)));
    }
}
