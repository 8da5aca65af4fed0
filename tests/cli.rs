//! Promise: the example `ptb` does what its command line says: the flags, the lines it prints, its files and its exit codes.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

// the example's own unit tests run here
#[allow(dead_code)]
#[path = "../examples/ptb/args.rs"]
mod args;
#[allow(dead_code)]
#[path = "../examples/ptb/progress.rs"]
mod progress;

/// The example beside this test: `cargo test` builds it.
fn ptb() -> PathBuf {
    let test = env::current_exe().unwrap();
    let folder = test.ancestors().nth(2).unwrap();
    let path = folder.join("examples").join(format!("ptb{}", env::consts::EXE_SUFFIX));
    let changed = |path: &Path| fs::metadata(path).and_then(|found| found.modified()).ok();
    let sources = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ptb")).unwrap();
    let newest = sources.filter_map(|source| changed(&source.unwrap().path())).max();
    let built = changed(&path);
    assert!(built.is_some() && built >= newest, "the example is missing or old: run `cargo build --example ptb` first");
    path
}

/// An empty folder of that test's own, in which the example runs.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn run(folder: &Path, line: &str) -> Output {
    Command::new(ptb()).current_dir(folder).args(line.split_whitespace()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs to the end and returns the lines printed.
fn lines(folder: &Path, line: &str) -> Vec<String> {
    let output = run(folder, line);
    assert!(output.status.success(), "{line}: {output:?}");
    assert_eq!(text(&output.stderr), "", "{line}");
    text(&output.stdout).lines().map(String::from).collect()
}

/// Must end with this exit code, say something with `part` in it on standard error, and leave no file behind.
fn fails(folder: &Path, line: &str, code: i32, part: &str) {
    let before = fs::read_dir(folder).unwrap().count();
    let output = run(folder, line);
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
    assert!(message.starts_with("ptb: ") && message.contains(part), "{line}: {message}");
    assert!(!message.contains("panicked"), "{line}: {message}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), before, "{line} left a file behind");
}

const SENTENCE: &str = "you say goodbye and i say hello .\n";
const SMALL: &str = "--data a.txt --hidden 8 --wordvec 8 --batch 2 --time 4 --lr 0.5";

/// A folder with a text of 360 tokens and 8 words.
fn with_text(test: &str) -> PathBuf {
    let folder = folder(test);
    fs::write(folder.join("a.txt"), SENTENCE.repeat(40)).unwrap();
    folder
}

#[test]
fn help_lists_every_flag() {
    let help = lines(&folder("help"), "--help").join("\n");
    for flag in "data tokens epochs wordvec hidden batch time lr seed isa csv quiet help".split(' ') {
        assert!(help.contains(&format!("--{flag}")), "{flag}");
    }
}

#[test]
fn a_run_prints_its_lines() {
    let lines = lines(&with_text("lines"), &format!("{SMALL} --epochs 3"));
    assert_eq!(lines[0], "corpus size: 360, vocabulary size: 8");
    assert_eq!(lines[1].split(',').next(), Some("272 parameters"));
    for (epoch, line) in (1..=3).zip(&lines[2..]) {
        let perplexity = line.strip_prefix(&format!("| epoch {epoch} | perplexity ")).unwrap();
        assert!((1.0..9.0).contains(&perplexity.parse::<f32>().unwrap()), "{line}");
    }
    let rate = lines[5].strip_prefix("steps/s: ").unwrap();
    assert!(rate.parse::<f64>().unwrap() > 0.0 && lines.len() == 6, "{lines:?}");
}

#[test]
fn quiet_prints_the_last_line_alone() {
    let lines = lines(&with_text("quiet"), &format!("{SMALL} --epochs 2 --quiet"));
    assert!(lines.len() == 1 && lines[0].starts_with("steps/s: "), "{lines:?}");
}

#[test]
fn the_defaults_are_the_books_experiment() {
    let folder = folder("defaults");
    fs::create_dir(folder.join("data")).unwrap();
    fs::write(folder.join("data/ptb.train.txt"), SENTENCE.repeat(200)).unwrap();
    let lines = lines(&folder, "--epochs 1");
    // V = 8, D = H = 100
    assert_eq!(lines[0], "corpus size: 1000, vocabulary size: 8");
    assert!(lines[1].starts_with("21708 parameters,"), "{}", lines[1]);
}

#[test]
fn a_folder_is_validated_and_tested() {
    let folder = folder("held_out");
    fs::write(folder.join("ptb.train.txt"), format!("{}<unk>\n", SENTENCE.repeat(40))).unwrap();
    fs::write(folder.join("ptb.valid.txt"), SENTENCE.repeat(3)).unwrap();
    fs::write(folder.join("ptb.test.txt"), "you say yes and i say no .\n".repeat(2)).unwrap();
    let small = SMALL.replace("a.txt", ".");
    let lines_of = |line: &str| lines(&folder, &format!("{small} {line}"));
    let lines = lines_of("--epochs 2 --csv out.csv");
    assert_eq!(lines[1..3], ["valid size: 27, unknown words: 0", "test size: 18, unknown words: 4"]);
    assert!(lines[4].starts_with("| epoch 1 | perplexity ") && lines[4].contains(" | valid "), "{lines:?}");
    assert!(lines[6].starts_with("test perplexity: ") && lines.len() == 8, "{lines:?}");
    let csv = fs::read_to_string(folder.join("out.csv")).unwrap();
    assert_eq!(csv.lines().next(), Some("epoch,perplexity,valid"));
    for (row, line) in csv.lines().skip(1).zip(&lines[4..6]) {
        let values: Vec<f32> = row.split(',').map(|value| value.parse().unwrap()).collect();
        let [epoch, train, valid] = values[..] else { panic!("{csv}") };
        assert_eq!(*line, format!("| epoch {epoch} | perplexity {train:.2} | valid {valid:.2}"));
    }
    // without an epoch: the untrained model is evaluated
    let lines = lines_of("--epochs 0");
    let valid: f32 = lines[4].strip_prefix("valid perplexity: ").unwrap().parse().unwrap();
    assert!((valid - 10.0).abs() < 1.5 && lines.last().unwrap() == "steps/s: 0.0", "{lines:?}");
}

#[test]
fn the_csv_has_the_bits_of_the_run_on_every_instruction_set() {
    let folder = with_text("csv");
    fs::write(folder.join("old.csv"), "old").unwrap();
    let mut files = Vec::new();
    for isa in rnnlm::Isa::available() {
        lines(&folder, &format!("{SMALL} --epochs 4 --csv old.csv --isa {}", isa.name()));
        files.push(fs::read_to_string(folder.join("old.csv")).unwrap());
    }
    assert!(files.iter().all(|file| *file == files[0]));
    let mut rows = files[0].lines();
    assert_eq!(rows.next(), Some("epoch,perplexity"));
    let values: Vec<f32> = rows.map(|row| row.split_once(',').unwrap().1.parse().unwrap()).collect();
    assert_eq!(values.len(), 4);
    // printed so that they round-trip
    assert!(values.iter().enumerate().all(|(i, v)| files[0].contains(&format!("\n{},{v}\n", i + 1))));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "a temporary file was left behind");
}

#[test]
fn the_built_in_text_serves_where_no_other_is() {
    let lines = lines(&folder("built_in"), "--epochs 1 --tokens 2000 --hidden 16 --wordvec 16");
    assert!(lines[0].contains("sh examples/ptb-data.sh"), "{}", lines[0]);
    assert!(lines[1].starts_with("corpus size: 2000, vocabulary size: 4"), "{}", lines[1]);
    assert!(lines.iter().any(|line| line.starts_with("best reachable perplexity: 11.0")), "{lines:?}");
}

#[test]
fn bad_command_lines_exit_with_2() {
    let folder = with_text("bad_lines");
    for line in [
        "--frobnicate 3",
        "a.txt",
        "--epochs",
        "--epochs x",
        "--epochs=-1",
        "--lr nan",
        "--lr=0",
        "--hidden 0",
        "--isa abacus",
        "--quiet=1",
    ] {
        fails(&folder, line, 2, "");
    }
}

#[test]
fn what_stops_a_run_exits_with_1() {
    let folder = with_text("bad_runs");
    fs::write(folder.join("latin1.txt"), b"caf\xe9 au lait").unwrap();
    fs::write(folder.join("short.txt"), "one two three").unwrap();
    fs::write(folder.join("empty.txt"), "").unwrap();
    fs::create_dir(folder.join("nothing")).unwrap();
    fs::create_dir(folder.join("one_word")).unwrap();
    fs::write(folder.join("one_word/ptb.train.txt"), SENTENCE.repeat(40)).unwrap();
    fs::write(folder.join("one_word/ptb.valid.txt"), "you").unwrap();
    for (line, part) in [
        ("--data missing.txt", "missing.txt"),
        ("--data nothing", "ptb.train.txt"),
        ("--data latin1.txt", "not UTF-8 at byte 3"),
        ("--data short.txt", "3 tokens, 51 are needed"),
        ("--data empty.txt", "0 tokens"),
        ("--data a.txt --hidden 1000000000", "memory"),
        ("--data a.txt --hidden 18446744073709551615", "memory"),
        ("--data a.txt --batch 4294967296 --time 4294967296", "batch size"),
        ("--data a.txt --csv nowhere/out.csv", "nowhere/out.csv"),
        ("--data a.txt --csv nothing", "directory"),
        ("--data a.txt --csv a.txt/", "a.txt/"),
        ("--data a.txt --csv ./a.txt", "same file"),
        ("--tokens 18446744073709551615", "10000000 tokens"),
        ("--data one_word", "ptb.valid.txt: fewer than two tokens"),
        ("--data a.txt --lr 3e38 --csv out.csv", "weights were left as they were"),
        ("--isa neon --data a.txt", "instruction set"),
    ] {
        let is_here = line.contains("neon") && rnnlm::Isa::by_name("neon").is_ok();
        if !is_here {
            fails(&folder, line, 1, part);
        }
    }
}

#[test]
fn a_validation_text_with_words_that_nothing_stands_for_is_an_error() {
    let folder = folder("no_unk");
    fs::write(folder.join("ptb.train.txt"), SENTENCE.repeat(40)).unwrap();
    fs::write(folder.join("ptb.valid.txt"), "you say yes .\n").unwrap();
    fails(&folder, "--data .", 1, "tokens not in the vocabulary: 1 (the first at position 2)");
}

#[test]
fn seed_and_instruction_set_are_obeyed() {
    let folder = with_text("obeyed");
    let run = |line: &str| lines(&folder, &format!("{SMALL} --epochs 1 {line}"));
    assert!(run("--isa portable")[1].ends_with(", portable instructions"));
    assert_ne!(run("--seed 1")[2], run("--seed 2")[2]);
    assert_eq!(run("--seed 1")[2], run("")[2]);
    // a byte order mark is no part of the first word
    fs::write(folder.join("a.txt"), format!("\u{feff}{}", SENTENCE.repeat(40))).unwrap();
    assert_eq!(run("")[0], "corpus size: 360, vocabulary size: 8");
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_to_tell_the_error_is_no_panic() {
    let command = format!("{} --frobnicate 2>/dev/full", ptb().display());
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_panic() {
    let folder = with_text("pipe");
    let command = format!("{} {SMALL} --epochs 50 | head -n 1", ptb().display());
    let output = Command::new("sh").current_dir(&folder).args(["-c", &command]).output().unwrap();
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(!text(&output.stderr).contains("panicked"), "{output:?}");
}
