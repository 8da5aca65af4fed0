//! Runs the examples as a user does.

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A built example: `cargo test` builds it beside the tests.
pub fn example(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    // how deep tests stand differs from one Cargo to the next
    let beside = |folder: &Path| folder.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let path = test.ancestors().skip(1).map(beside).find(|path| path.is_file()).unwrap_or_default();
    let changed = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    let built = changed(&path);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(&path.with_extension("d"));
    let is_new = |source: &PathBuf| changed(&root.join(source)).is_some_and(|at| Some(at) <= built);
    let is_new = !sources.is_empty() && sources.iter().all(is_new);
    let command = format!("cargo build --example {name}");
    assert!(built.is_some() && is_new, "the example is missing or old: run `{command}` first");
    path
}

/// The sources that Cargo lists beside what it built from them: `program: source source ...`, a space in a name behind
/// a backslash.
fn sources(list: &Path) -> Vec<PathBuf> {
    let list = fs::read_to_string(list).unwrap_or_default().replace("\\ ", "\0");
    let (_, sources) = list.split_once(": ").unwrap_or_default();
    sources.split_whitespace().map(|source| PathBuf::from(source.replace('\0', " "))).collect()
}

/// An empty folder of that test's own, in which the example runs.
pub fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

pub fn run(folder: &Path, line: &str) -> Output {
    Command::new(example("ptb")).current_dir(folder).args(line.split_whitespace()).output().unwrap()
}

/// Starts it, with its lines and messages piped.
pub fn start(folder: &Path, line: &str) -> Child {
    let mut command = Command::new(example("ptb"));
    command.current_dir(folder).args(line.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Runs what might wait for ever, and ends it then.
pub fn run_or_kill(folder: &Path, line: &str) -> Output {
    let (mut child, started) = (start(folder, line), Instant::now());
    while child.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_secs(60) {
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    child.wait_with_output().unwrap()
}

/// Makes a named pipe.
#[cfg(unix)]
pub fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Nothing in what was printed drives a terminal.
pub fn assert_harmless(output: &Output) {
    for bytes in [&output.stdout, &output.stderr] {
        let is_bad = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{2066}\u{200f}\u{2028}".contains(c));
        assert!(!text(bytes).contains(is_bad), "{output:?}");
    }
}

/// Runs `predict` with this input.
pub fn predict(folder: &Path, line: &str, input: &[u8]) -> Output {
    let mut child = Command::new(example("predict"))
        .current_dir(folder)
        .args(line.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // where it has ended already, its exit code tells
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs to the end and returns the lines printed.
pub fn lines(folder: &Path, line: &str) -> Vec<String> {
    let output = run(folder, line);
    assert!(output.status.success(), "{line}: {output:?}");
    assert_eq!(text(&output.stderr), "", "{line}");
    text(&output.stdout).lines().map(String::from).collect()
}

/// Must end with this exit code, say something with `part` in it on standard error, and leave no file behind.
pub fn fails(folder: &Path, line: &str, code: i32, part: &str) {
    let before = fs::read_dir(folder).unwrap().count();
    let output = run(folder, line);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
    assert!(message.starts_with("ptb: ") && message.contains(part), "{line}: {message}");
    assert!(!message.contains("panicked"), "{line}: {message}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), before, "{line} left a file behind");
}

pub const SENTENCE: &str = "you say goodbye and i say hello .\n";
pub const SMALL: &str = "--data a.txt --hidden 8 --wordvec 8 --batch 2 --time 4 --lr 0.5";

/// A folder with a text of 360 tokens and 8 words.
pub fn with_text(test: &str) -> PathBuf {
    let folder = folder(test);
    fs::write(folder.join("a.txt"), SENTENCE.repeat(40)).unwrap();
    folder
}
