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
    place: Place,
}

enum Place {
    /// A file beside the target, to be renamed to it.
    Beside(PathBuf),
    /// A device or a pipe, which can't be replaced.
    Open(File),
    /// Written.
    Done,
}

impl Output {
    /// Makes sure that the target can be written, without touching what stands there. The error is a message for the user.
    pub fn prepare(path: &Path) -> Result<Self, String> {
        let place = find_place(path).map_err(|error| format!("{}: can't be written: {error}", path.display()))?;
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        Ok(Self { target, place })
    }

    /// Writes the whole content and puts it in the target's place.
    pub fn write(mut self, content: &[u8]) -> Result<(), String> {
        self.try_write(content).map_err(|error| format!("{}: {error}", self.target.display()))
    }

    fn try_write(&mut self, content: &[u8]) -> io::Result<()> {
        match &mut self.place {
            Place::Open(device) => device.write_all(content)?,
            Place::Beside(partial) => {
                let mut file = File::create(&*partial)?;
                file.write_all(content)?;
                if let Ok(old) = fs::metadata(&self.target) {
                    file.set_permissions(old.permissions())?;
                }
                file.sync_all()?;
                fs::rename(partial, &self.target)?;
            }
            Place::Done => {}
        }
        self.place = Place::Done;
        Ok(())
    }
}

fn find_place(path: &Path) -> io::Result<Place> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.permissions().readonly() => Err(io::ErrorKind::PermissionDenied.into()),
        Ok(found) if !found.is_file() => File::options().write(true).open(path).map(Place::Open),
        Err(_) if path.is_symlink() => Err(io::Error::other("is a link to nowhere")),
        _ => {
            let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
            let mut name = OsString::from(target.file_name().ok_or(io::ErrorKind::InvalidInput)?);
            name.push(format!(".{}.partial", std::process::id()));
            let partial = target.with_file_name(name);
            File::create(&partial)?;
            Ok(Place::Beside(partial))
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Place::Beside(partial) = &self.place {
            // nothing more can be done about a file that can't be removed
            let _ = fs::remove_file(partial);
        }
    }
}
