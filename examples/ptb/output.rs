//! Files that are written whole or not at all, also where the run is killed or the machine loses its power.
//!
//! The content goes to a temporary file beside the target, `NAME.RANDOM.partial`. It is created new, under a name that
//! nobody can guess and no other run has, never through a link, and it has the target's permissions before its first
//! byte. It is synced to the disk and takes the target's place by a rename, and the folder is synced. A kill in between
//! leaves the old file, and perhaps a temporary one, which the next run that writes the same target clears away.
//!
//! A character device, such as `/dev/null`, keeps nothing and is written as it stands. Pipes, sockets and disks are
//! refused.

#[cfg(unix)]
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::{
    fs::{self, File, Permissions, TryLockError},
    hash::{BuildHasher, Hasher, RandomState},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::visible::visible;

/// A file to be written, once or again and again: found writable before the run, never seen half-written.
#[derive(Debug)]
pub struct Output {
    target: PathBuf,
    is_device: bool,
}

impl Output {
    /// Makes sure that the target can be written, without touching what stands there. The error is a message for the
    /// user.
    pub fn prepare(path: &Path) -> Result<Self, String> {
        let target = real(path);
        let is_device = is_device(path);
        let tried = check(path).and_then(|()| {
            if is_device {
                return open_device(&target).map(drop);
            }
            clear(&target)?;
            // locked until it is gone
            let (partial, _file) = create(&target)?;
            fs::remove_file(partial)
        });
        tried.map_err(|error| format!("{}: can't be written: {error}", visible(path)))?;
        Ok(Self { target, is_device })
    }

    /// Puts the content in the target's place.
    pub fn write(&self, content: &[u8]) -> Result<(), String> {
        let written = if self.is_device {
            open_device(&self.target).and_then(|mut device| device.write_all(content))
        } else {
            replace(&self.target, content)
        };
        written.map_err(|error| format!("{}: {error}", visible(&self.target)))
    }
}

/// Whether a character device stands there.
fn is_device(path: &Path) -> bool {
    #[cfg(unix)]
    return fs::metadata(path).is_ok_and(|found| found.file_type().is_char_device());
    #[cfg(not(unix))]
    return false;
}

fn open_device(path: &Path) -> io::Result<File> {
    File::options().write(true).open(path)
}

/// The path without links, also where nothing stands there yet.
pub fn real(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(path)
        .or_else(|_| Ok::<_, io::Error>(fs::canonicalize(folder)?.join(path.file_name().unwrap_or_default())))
        .unwrap_or_else(|_| path.to_path_buf())
}

/// Whether a regular file stands there, a character device, or nothing.
fn check(path: &Path) -> io::Result<()> {
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() && !is_device(path) => {
            Err(io::Error::other("is a pipe, a socket or a disk: name a regular file, or one that isn't there yet"))
        }
        Ok(found) if found.permissions().readonly() => Err(io::ErrorKind::PermissionDenied.into()),
        Err(_) if path.is_symlink() => Err(io::Error::other("is a link to nowhere")),
        _ => Ok(()),
    }
}

fn replace(target: &Path, content: &[u8]) -> io::Result<()> {
    let (partial, mut file) = create(target)?;
    let written = file.write_all(content).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&partial, target));
    written.inspect_err(|_| {
        // nothing more can be done about a file that can't be removed
        let _ = fs::remove_file(&partial);
    })?;
    // the rename itself is kept in the folder, which not every system opens or syncs
    match target.parent().map(File::open) {
        Some(Ok(folder)) => match folder.sync_all() {
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(error),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// A new temporary file for that target, locked for as long as it is open: see [`clear`].
fn create(target: &Path) -> io::Result<(PathBuf, File)> {
    const TRIES: usize = 16;
    let old = fs::symlink_metadata(target).ok().filter(fs::Metadata::is_file).map(|found| found.permissions());
    for _ in 0..TRIES {
        let random = RandomState::new().build_hasher().finish();
        let partial = target.with_file_name(format!("{}{random:016x}.partial", start(target)?));
        let file = match create_new(&partial, old.as_ref()) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            created => created?,
        };
        // before it was locked another run may have taken it for a killed run's; a file system without locks does
        // without clearing
        let is_taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock)) || !partial.exists();
        if !is_taken {
            return Ok((partial, file));
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Creates a file with the permissions `old`.
fn create_new(path: &Path, old: Option<&Permissions>) -> io::Result<File> {
    let file = open_new(path, old)?;
    // those that the umask took away
    let set = old.map_or(Ok(()), |old| file.set_permissions(old.clone()));
    set.inspect_err(|_| {
        let _ = fs::remove_file(path);
    })?;
    Ok(file)
}

/// Creates a file that is not there, also not as a link, and at no moment with more permissions than `old`.
fn open_new(path: &Path, old: Option<&Permissions>) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if let Some(old) = old {
        options.mode(old.mode() & 0o777);
    }
    options.open(path)
}

/// How the names of a target's temporary files begin. Names have 255 bytes at most, on some file systems 143.
fn start(target: &Path) -> io::Result<String> {
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    Ok(name.chars().take(25).chain(['.']).collect())
}

/// Removes the temporary files of killed runs: those that nobody has locked.
fn clear(target: &Path) -> io::Result<()> {
    let start = start(target)?;
    let is_partial = |name: &str| {
        let random = name.strip_prefix(&start).and_then(|rest| rest.strip_suffix(".partial"));
        random.is_some_and(|random| random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    for entry in fs::read_dir(target.parent().unwrap_or(Path::new("."))).into_iter().flatten().flatten() {
        // a pipe would be waited for, and a link leads elsewhere
        let is_regular = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_regular && entry.file_name().to_str().is_some_and(is_partial) {
            // a pipe that was put there a moment ago is not waited for where it is opened for both
            let opened = File::options().read(true).write(true).open(entry.path());
            if opened.is_ok_and(|file| file.try_lock().is_ok()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::process;

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
        let output = Output::prepare(&target).unwrap();
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
            let output = Output::prepare(&folder.join(&name)).unwrap();
            output.write(b"content").unwrap();
            assert_eq!(fs::read(folder.join(&name)).unwrap(), b"content");
        }
        assert_eq!(names(&folder).len(), 2);
    }

    #[test]
    fn what_a_killed_run_left_is_cleared_and_nothing_else() {
        let folder = folder("clear");
        let left = create(&folder.join("a")).unwrap().0;
        let (used, _locked) = create(&folder.join("a")).unwrap();
        let (other, _) = create(&folder.join("b")).unwrap();
        for name in ["a.1.partial", "a.x.partial", "a..partial", "a.123456789012345x.partial"] {
            fs::write(folder.join(name), "half").unwrap();
        }
        assert_eq!(names(&folder).len(), 7);
        Output::prepare(&folder.join("a")).unwrap();
        assert!(!left.exists() && used.exists() && other.exists());
        assert_eq!(names(&folder).len(), 6);
    }

    #[test]
    fn runs_with_one_target_do_not_meet() {
        let folder = folder("meet");
        let target = folder.join("a");
        fs::write(&target, "x".repeat(5000)).unwrap();
        std::thread::scope(|scope| {
            for content in ["x", "y", "z"] {
                let target = &target;
                scope.spawn(move || {
                    for _ in 0..30 {
                        Output::prepare(target).unwrap().write(content.repeat(5000).as_bytes()).unwrap();
                        let found = fs::read_to_string(target).unwrap();
                        assert!(found.len() == 5000 && found.bytes().all(|byte| byte == found.as_bytes()[0]));
                    }
                });
            }
        });
        assert_eq!(names(&folder), ["a"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_temporary_file_is_no_file_that_was_there_and_no_link() {
        use std::os::unix::fs::symlink;
        let folder = folder("planted");
        fs::write(folder.join("there"), "old").unwrap();
        symlink("there", folder.join("link")).unwrap();
        symlink("nowhere", folder.join("dead")).unwrap();
        for name in ["there", "link", "dead"] {
            let kind = create_new(&folder.join(name), None).map_err(|error| error.kind());
            assert_eq!(kind.err(), Some(io::ErrorKind::AlreadyExists), "{name}");
        }
        assert_eq!(names(&folder), ["dead", "link", "there"]);
        assert_eq!(fs::read_to_string(folder.join("there")).unwrap(), "old");
    }

    #[cfg(unix)]
    #[test]
    fn an_empty_temporary_file_has_its_targets_permissions_already() {
        let folder = folder("mode");
        let target = folder.join("a");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        // a new file is as any other
        fs::write(folder.join("usual"), "").unwrap();
        assert_eq!(mode(&create(&target).unwrap().0), mode(&folder.join("usual")));
        fs::write(&target, "old").unwrap();
        for expected in [0o600, 0o640, 0o666] {
            fs::set_permissions(&target, Permissions::from_mode(expected)).unwrap();
            let (partial, file) = create(&target).unwrap();
            assert_eq!((mode(&partial), file.metadata().unwrap().len()), (expected, 0));
            let first = folder.join(format!("{expected:o}"));
            open_new(&first, Some(&Permissions::from_mode(expected))).unwrap();
            assert_eq!(mode(&first) & !expected, 0);
            Output::prepare(&target).unwrap().write(b"new").unwrap();
            assert_eq!(mode(&target), expected);
        }
    }

    #[test]
    fn a_write_that_fails_leaves_the_old_file() {
        let folder = folder("fails");
        let target = folder.join("a");
        let output = Output::prepare(&target).unwrap();
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
