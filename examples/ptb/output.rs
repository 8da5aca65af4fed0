//! Files that are written whole or not at all.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// A file to be written at the end of the run: found writable before it, never seen half-written.
pub struct Output {
    target: PathBuf,
    /// The file beside the target that will be renamed to it; `None` where the target is a device or a pipe.
    partial: Option<PathBuf>,
}

impl Output {
    /// Makes sure that the target can be written, without touching what stands there.
    pub fn prepare(path: &Path) -> io::Result<Self> {
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let partial = match fs::metadata(&target) {
            Ok(found) if found.is_dir() => return Err(io::Error::other("is a directory")),
            Ok(found) if !found.is_file() => None,
            _ => {
                let mut name = OsString::from(target.file_name().ok_or(io::ErrorKind::InvalidInput)?);
                name.push(format!(".{}.partial", std::process::id()));
                let partial = target.with_file_name(name);
                File::create_new(&partial)?;
                Some(partial)
            }
        };
        Ok(Self { target, partial })
    }

    /// Writes the whole content and puts it in the target's place.
    pub fn write(mut self, content: &[u8]) -> io::Result<()> {
        let Some(partial) = &self.partial else {
            return File::options().write(true).open(&self.target)?.write_all(content);
        };
        let mut file = File::create(partial)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(partial, &self.target)?;
        self.partial = None;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // nothing more can be done about a file that can't be removed
            let _ = fs::remove_file(partial);
        }
    }
}
