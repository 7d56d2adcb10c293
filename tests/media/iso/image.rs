//! `iso LABEL FOLDER IMAGE`: an image of the files in FOLDER whose paths come on standard input, each ending in a NUL,
//! with the modes that they and FOLDER itself have on disk. For tests/media/iso/run.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use hagen::media::iso9660::{self, Image};

/// A file with holes where zeroes are written: what is tested are gigabytes of little else.
struct Sparse(File);

impl Write for Sparse {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        static ZEROES: [u8; 1 << 16] = [0; 1 << 16];
        if ZEROES.starts_with(bytes) {
            self.0.seek(SeekFrom::Current(bytes.len() as i64))?;
            return Ok(bytes.len());
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [label, folder, image] = &arguments[..] else {
        return Err(io::Error::other("iso LABEL FOLDER IMAGE"));
    };
    let mut paths = String::new();
    io::stdin().read_to_string(&mut paths)?;
    let describe = |path: &str| {
        let metadata = fs::metadata(Path::new(folder).join(path))?;
        Ok(iso9660::File { path: path.to_owned(), size: metadata.len(), mode: metadata.mode() })
    };
    let files = paths.split_terminator('\0').map(describe).collect::<io::Result<Vec<_>>>()?;
    let laid_out = Image::new(label, fs::metadata(folder)?.mode(), &files).map_err(io::Error::other)?;
    let mut out = Sparse(File::create(image)?);
    laid_out
        .write(&mut out, |file, out| io::copy(&mut File::open(Path::new(folder).join(&file.path))?, out).map(drop))?;
    out.0.set_len(laid_out.size())
}
