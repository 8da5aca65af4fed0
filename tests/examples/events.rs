//! Promise: the example `events` goes from made-up logs to verdicts by the commands of its page.

use std::{fs, path::PathBuf, process::Command};

use crate::example::example;

/// A folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("rnnlm-events-{name}-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a command line whose words are separated by single spaces, in that folder.
fn run(folder: &PathBuf, line: &str) -> (Option<i32>, String, String) {
    let output =
        Command::new(example("events")).current_dir(folder).env_remove("RNNLM_EVENTS").args(line.split(' ')).output();
    let output = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn done(folder: &PathBuf, line: &str) -> String {
    let (code, out, err) = run(folder, line);
    assert_eq!(code, Some(0), "{line}: {err}");
    out
}

#[test]
fn from_a_made_up_log_to_verdicts() {
    let folder = folder("log");
    for (file, line) in [
        ("normal.log", "make --log --count 600"),
        ("more.log", "make --log --count 400 --seed 2"),
        ("odd.log", "make --log --count 200 --seed 3 --odd"),
    ] {
        fs::write(folder.join(file), done(&folder, line)).unwrap();
    }
    let learned = done(&folder, "learn --log --data normal.log --save m.safetensors --epochs 8 --hidden 16");
    assert!(learned.starts_with("600 sessions, 8 events with an id"), "{learned}");
    let calibrated = done(&folder, "calibrate --log --load m.safetensors --data normal.log --rate 0.01");
    assert!(calibrated.contains("of 600 normal sessions above"), "{calibrated}");
    let judged = done(&folder, "judge --log --load m.safetensors --data more.log --abnormal odd.log --roc roc.svg");
    let f1: f64 = judged.split_once("F1 ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
    assert!(f1 > 0.93, "{judged}");
    assert!(fs::read_to_string(folder.join("roc.svg")).unwrap().contains("<polyline"));

    fs::write(folder.join("one.log"), "open file 0x1234abcd by client 7\nallocate block 3 of file 0x1\nfire 12\n")
        .unwrap();
    let table = done(&folder, "watch --log --load m.safetensors --data one.log");
    let row: Vec<&str> = table.lines().nth(1).unwrap().split('\t').collect();
    assert_eq!((row[0], row[1], row[2], row[4]), ("1", "odd", "inf", "fire *"), "{table}");
    let json = done(&folder, "watch --log --json --load m.safetensors --data one.log");
    assert!(json.contains("\"odd\":true,\"excess\":null,\"at\":2,\"event\":\"fire *\",\"new\":true"), "{json}");
    let explained = done(&folder, "explain --log --load m.safetensors --data one.log");
    assert!(explained.contains("--> fire *\n") && explained.contains("never seen; expected:"), "{explained}");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_is_missing_is_said() {
    let folder = folder("missing");
    let (code, out, _) = run(&folder, "proof");
    assert!(code == Some(0) && out.starts_with("SKIPPED"), "{out}");
    for (line, code, word) in [
        ("learn --save m", 1, "--data is missing"),
        ("watch --load none.safetensors", 1, "none.safetensors"),
        ("dance", 2, "unknown command"),
        ("learn --lr 0", 2, "--lr"),
    ] {
        let (found, _, err) = run(&folder, line);
        assert!(found == Some(code) && err.contains(word), "{line}: {found:?} {err}");
    }
    fs::remove_dir_all(folder).unwrap();
}
