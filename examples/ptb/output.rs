//! Files that are written whole or not at all, also where the run is killed or the machine loses its power.
//!
//! The content goes to a temporary file beside the target, `NAME.PID.partial`; it is synced to the disk and takes the
//! target's place by a rename, and the folder is synced. A kill in between leaves the old file, and perhaps a temporary
//! one, which the next run that writes the same target clears away.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process,
};

use crate::visible::visible;

/// A file to be written, once or again and again: found writable before the run, never seen half-written.
#[derive(Debug)]
pub struct Output {
    target: PathBuf,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// A temporary file beside the target.
    Beside(PathBuf),
    /// A device or a pipe, which can't be replaced.
    Open(File),
}

impl Output {
    /// Makes sure that the target can be written, without touching what stands there. The error is a message for the user.
    pub fn prepare(path: &Path) -> Result<Self, String> {
        let target = real(path);
        let place = find_place(path, &target);
        let place = place.map_err(|error| format!("{}: can't be written: {error}", visible(path)))?;
        Ok(Self { target, place })
    }

    /// Puts the content in the target's place.
    pub fn write(&mut self, content: &[u8]) -> Result<(), String> {
        let written = match &mut self.place {
            Place::Open(device) => device.write_all(content),
            Place::Beside(partial) => replace(&self.target, partial, content).inspect_err(|_| {
                // nothing more can be done about a file that can't be removed
                let _ = fs::remove_file(partial);
            }),
        };
        written.map_err(|error| format!("{}: {error}", visible(&self.target)))
    }
}

/// The path without links, also where nothing stands there yet.
pub fn real(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(path)
        .or_else(|_| Ok::<_, io::Error>(fs::canonicalize(folder)?.join(path.file_name().unwrap_or_default())))
        .unwrap_or_else(|_| path.to_path_buf())
}

fn replace(target: &Path, partial: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = create(partial)?;
    file.write_all(content)?;
    if let Ok(old) = fs::metadata(target) {
        file.set_permissions(old.permissions())?;
    }
    file.sync_all()?;
    fs::rename(partial, target)?;
    // the rename itself is kept in the folder, which not every system opens or syncs
    match target.parent().map(File::open) {
        Some(Ok(folder)) => match folder.sync_all() {
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Creates a temporary file and locks it for as long as it is open: see [`clear`].
fn create(partial: &Path) -> io::Result<File> {
    let file = File::create(partial)?;
    // a file system without locks does without clearing
    let _ = file.try_lock();
    Ok(file)
}

fn find_place(path: &Path, target: &Path) -> io::Result<Place> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.permissions().readonly() => Err(io::ErrorKind::PermissionDenied.into()),
        Ok(found) if !found.is_file() => File::options().write(true).open(path).map(Place::Open),
        Err(_) if path.is_symlink() => Err(io::Error::other("is a link to nowhere")),
        _ => {
            let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
            // names have 255 bytes at most, on some file systems 143
            let start: String = name.chars().take(30).chain(['.']).collect();
            clear(target.parent().unwrap_or(Path::new(".")), &start);
            let partial = target.with_file_name(format!("{start}{}.partial", process::id()));
            create(&partial)?;
            fs::remove_file(&partial)?;
            Ok(Place::Beside(partial))
        }
    }
}

/// Removes the temporary files of killed runs: those that nobody has locked.
fn clear(folder: &Path, start: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(start)?.strip_suffix(".partial"));
        let is_partial = id.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
        if is_partial && File::open(entry.path()).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An empty folder that is removed in the end.
    struct Folder(PathBuf);

    fn folder(test: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("rnnlm-{test}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    impl std::ops::Deref for Folder {
        type Target = Path;
        fn deref(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn written_again_and_again() {
        let folder = folder("again");
        let target = folder.join("a");
        fs::write(&target, "old").unwrap();
        let mut output = Output::prepare(&target).unwrap();
        assert_eq!((names(&folder), fs::read(&target).unwrap()), (vec!["a".into()], b"old".to_vec()));
        for content in ["long content", "", "new"] {
            output.write(content.as_bytes()).unwrap();
            assert_eq!((names(&folder), fs::read_to_string(&target).unwrap()), (vec!["a".into()], content.into()));
        }
    }

    #[test]
    fn names_as_long_as_names_can_be() {
        let folder = folder("long");
        for name in ["x".repeat(250), "ü".repeat(127)] {
            let mut output = Output::prepare(&folder.join(&name)).unwrap();
            output.write(b"content").unwrap();
            assert_eq!(fs::read(folder.join(&name)).unwrap(), b"content");
        }
        assert_eq!(names(&folder).len(), 2);
    }

    #[test]
    fn what_a_killed_run_left_is_cleared_and_nothing_else() {
        let folder = folder("clear");
        for name in ["a.1.partial", "a.x.partial", "a..partial", "b.1.partial", "a.2.partial"] {
            fs::write(folder.join(name), "half").unwrap();
        }
        let locked = File::open(folder.join("a.2.partial")).unwrap();
        locked.try_lock().unwrap();
        Output::prepare(&folder.join("a")).unwrap();
        assert_eq!(names(&folder), ["a..partial", "a.2.partial", "a.x.partial", "b.1.partial"]);
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file() {
        let folder = folder("fails");
        let target = folder.join("a");
        let mut output = Output::prepare(&target).unwrap();
        // a folder can't be replaced by a file
        fs::create_dir(&target).unwrap();
        assert!(output.write(b"new").is_err_and(|message| message.contains("/a: ")));
        assert_eq!(names(&folder), ["a"]);
    }

    #[test]
    fn paths_are_told_apart_by_where_they_lead() {
        let folder = folder("real");
        fs::create_dir(folder.join("y")).unwrap();
        assert_eq!(real(&folder.join("x")), real(&folder.join("y/../x")));
        assert_ne!(real(&folder.join("x")), real(&folder.join("y")));
    }
}
