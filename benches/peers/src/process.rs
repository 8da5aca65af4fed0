//! Peers in other languages: each a process that waits for commands on its standard input, so that its slices of time
//! take turns with those of everyone else.

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use crate::{
    Failure,
    peer::Peer,
    workload::{LEARNING_RATE, Start, Workload},
};

pub struct Process {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    folder: Folder,
    name: String,
    multiple: usize,
}

impl Process {
    /// Starts a script of `python/` in a variant that means something to it.
    pub fn python(start: &Start, script: &str, variant: &str, multiple: usize) -> Result<Self, Failure> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
        Self::start(start, Command::new(interpreter()).arg(path), variant, multiple)
    }

    /// Starts a program with the same weights and windows as everyone: it is told the sizes, the cell, the learning
    /// rate, the variant and the folder in which it finds them.
    ///
    /// Fails where there is no such program, or not the library that it needs: the error says which.
    pub fn start(start: &Start, program: &mut Command, variant: &str, multiple: usize) -> Result<Self, Failure> {
        let Workload { v, d, h, n, t, cell, .. } = start.workload;
        let folder = Folder::new()?;
        let ids = start.windows.iter().flat_map(|window| window.batch_major.concat());
        fs::write(folder.file("windows"), ids.flat_map(u32::to_le_bytes).collect::<Vec<u8>>())?;
        fs::write(folder.file("weights"), start.weights.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>())?;

        let name = program.get_program().to_owned();
        let mut child = program
            .args([v, d, h, n, t].map(|size| size.to_string()))
            .args([cell.name(), &LEARNING_RATE.to_string(), variant])
            .arg(&folder.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.file("stderr"))?)
            .spawn()
            .map_err(|error| format!("{}: {error}", name.display()))?;
        let commands = child.stdin.take().ok_or("no standard input")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no standard output")?);
        let mut process = Self { child, commands, answers, folder, name: String::new(), multiple };
        process.name = process.answer()?;
        Ok(process)
    }

    fn ask(&mut self, command: &str) -> Result<String, Failure> {
        writeln!(self.commands, "{command}").and_then(|()| self.commands.flush())?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? > 0 {
            return Ok(line.trim_end().into());
        }
        // the last line of a traceback names the error
        let errors = fs::read_to_string(self.folder.file("stderr"))?;
        Err(errors.lines().last().unwrap_or("ended without a word").into())
    }
}

impl Peer for Process {
    fn train(&mut self, count: usize) -> Result<f32, Failure> {
        Ok(self.ask(&format!("train {count}"))?.parse()?)
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        self.ask("weights")?;
        let bytes = fs::read(self.folder.file("weights"))?;
        let (chunks, _) = bytes.as_chunks();
        Ok(chunks.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }

    fn name(&self) -> Option<&str> {
        Some(&self.name).filter(|name| *name != "ready").map(String::as_str)
    }

    fn multiple(&self) -> usize {
        self.multiple
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // a process that has ended already is what is wanted
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The interpreter that PYTHON names.
pub fn interpreter() -> String {
    env::var("PYTHON").unwrap_or_else(|_| "python3".into())
}

/// A temporary folder that goes when its peer does.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Relaxed);
        let path = env::temp_dir().join(format!("rnnlm-peers-{}-{number}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
