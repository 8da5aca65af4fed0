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
    // written, and acknowledged twice
    fs::write(folder.join("one.log"), "open file 0x1\nallocate block 3 of file 0x1\nacknowledge block 3\n").unwrap();
    let json = done(&folder, "watch --log --json --load m.safetensors --data one.log");
    assert!(json.contains("\"imbalance\":{\"more\":\"") && json.contains("\"sessions\":600}}"), "{json}");
    let explained = done(&folder, "explain --log --load m.safetensors --data one.log");
    assert!(explained.contains(": never more of the former in 600 others\n"), "{explained}");
    fs::remove_dir_all(folder).unwrap();
}

/// The share of sessions that are odd in the table of `watch`.
fn alarms(table: &str) -> f64 {
    let rows: Vec<&str> = table.lines().skip(1).collect();
    rows.iter().filter(|row| row.contains("\todd\t")).count() as f64 / rows.len() as f64
}

#[test]
fn watching_learns_a_stream_that_changes_and_no_burst_of_anomalies() {
    let folder = folder("learn");
    let make = |line: &str| done(&folder, line);
    fs::write(folder.join("normal"), make("make --count 800")).unwrap();
    fs::write(folder.join("odd"), make("make --count 100 --odd --seed 5")).unwrap();
    // a new version of the server: every file is verified before it is closed
    let changed = |seed: u64, count: usize| -> String {
        let text = make(&format!("make --count {count} --seed {seed}"));
        text.replace(" E5 E6", "").replace(" E4", " E6 E4")
    };
    fs::write(folder.join("changed"), changed(6, 2500)).unwrap();
    fs::write(folder.join("later"), changed(7, 500)).unwrap();
    // normal sessions, and a burst
    let burst = make("make --count 200 --seed 8")
        + &make("make --count 60 --odd --seed 9")
        + &make("make --count 200 --seed 10");
    fs::write(folder.join("burst"), burst).unwrap();
    make("learn --data normal --save m --epochs 8 --hidden 16");
    make("calibrate --load m --data normal --rate 0.01");
    let factory = fs::read(folder.join("m")).unwrap();

    let (code, out, err) = run(&folder, "watch --learn --load m --save own --data burst");
    assert!(code == Some(0) && err.contains("nothing is learned") && err.contains("learns on"), "{err}");
    // 60 of 460 are odd
    let of_burst = alarms(&out);
    assert!(of_burst < 0.16, "learning makes false alarms: {of_burst}");
    assert_eq!(fs::read(folder.join("m")).unwrap(), factory, "--save is elsewhere");
    assert_ne!(fs::read(folder.join("own")).unwrap(), factory, "nothing was learned, or saved");
    let found = alarms(&make("watch --load own --data odd"));
    assert!(found > 0.95, "the burst was learned: {found}");

    let at_first = alarms(&make("watch --load m --data later"));
    let (code, _, err) = run(&folder, "watch --learn --load m --data changed");
    assert!(code == Some(0) && err.contains("this is the new normal"), "{err}");
    assert_ne!(fs::read(folder.join("m")).unwrap(), factory);
    let at_last = alarms(&make("watch --load m --data later"));
    println!("found {found}, alarms at first {at_first}, at last {at_last}");
    assert!(at_first > 0.5 && at_last <= 0.02, "{at_first} {at_last}");

    let (code, _, err) = run(&folder, "watch --learn --load m --save none/m --data later");
    assert!(code == Some(1) && err.contains("none/m"), "{err}");
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
