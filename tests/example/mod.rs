//! Runs the examples as a user does.
#![allow(dead_code)]

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::SystemTime,
};

/// A built example: `cargo test` builds it beside the tests.
pub fn example(name: &str) -> PathBuf {
    let test = env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap();
    let path = folder.join("examples").join(format!("{name}{}", env::consts::EXE_SUFFIX));
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = [format!("examples/{name}"), "examples/shared".into(), "src".into()];
    let newest = sources.iter().filter_map(|folder| newest(&root.join(folder))).max();
    let built = fs::metadata(&path).and_then(|found| found.modified()).ok();
    let command = format!("cargo build --example {name}");
    assert!(built.is_some() && built >= newest, "the example is missing or old: run `{command}` first");
    path
}

/// When the last file below a folder was changed.
fn newest(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let changed = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    entries.filter_map(|e| if e.path().is_dir() { newest(&e.path()) } else { changed(&e.path()) }).max()
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
