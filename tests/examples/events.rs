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
    goes_from_a_log_to_verdicts("rnn", "--hidden 16 --epochs 8");
}

#[test]
fn an_lstm_goes_from_a_made_up_log_to_verdicts() {
    goes_from_a_log_to_verdicts("lstm", "--hidden 12 --epochs 16");
}

fn goes_from_a_log_to_verdicts(cell: &str, recipe: &str) {
    let folder = folder(&format!("log-{cell}"));
    for (file, line) in [
        ("normal.log", "make --log --count 600"),
        ("more.log", "make --log --count 400 --seed 2"),
        ("odd.log", "make --log --count 200 --seed 3 --odd"),
    ] {
        fs::write(folder.join(file), done(&folder, line)).unwrap();
    }
    let learn = format!("learn --log --data normal.log --save m.safetensors --cell {cell} {recipe}");
    let learned = done(&folder, &learn);
    assert!(learned.starts_with("600 sessions, 8 events with an id"), "{learned}");
    let file = fs::read(folder.join("m.safetensors")).unwrap();
    assert!(String::from_utf8_lossy(&file).contains(&format!("\"{cell}.Wx\"")), "the file carries its cell");
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
    // what the flag may say of a file
    done(&folder, &format!("watch --log --load m.safetensors --data one.log --cell {cell}"));
    let other = if cell == "rnn" { "lstm" } else { "rnn" };
    for command in ["calibrate", "watch", "explain", "judge"] {
        let line = format!("{command} --log --load m.safetensors --data one.log --cell {other}");
        let (code, out, err) = run(&folder, &line);
        let told = format!("--cell {other} contradicts m.safetensors, which has {cell}: leave the flag out");
        assert!(code == Some(1) && out.is_empty() && err.contains(&told), "{command}: {out} {err}");
    }
    // measures of the model before are none of a new one
    done(&folder, &learn);
    let (code, _, err) = run(&folder, "watch --log --load m.safetensors --data one.log");
    assert!(code == Some(1) && err.contains("`events calibrate` makes it"), "{err}");
    fs::remove_dir_all(folder).unwrap();
}

/// The share of sessions that are odd in the table of `watch`.
fn alarms(table: &str) -> f64 {
    let rows: Vec<&str> = table.lines().skip(1).collect();
    rows.iter().filter(|row| row.contains("\todd\t")).count() as f64 / rows.len() as f64
}

#[test]
fn watching_learns_a_stream_that_changes_and_no_burst_of_anomalies() {
    watching_learns("rnn", "--hidden 16 --epochs 8");
}

#[test]
fn watching_with_an_lstm_learns_it_too() {
    watching_learns("lstm", "--hidden 12 --epochs 16");
}

fn watching_learns(cell: &str, recipe: &str) {
    let folder = folder(&format!("learn-{cell}"));
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
    make(&format!("learn --data normal --save m --cell {cell} {recipe}"));
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

/// The columns of the row that starts with these words.
fn row<'t>(table: &'t str, start: &str) -> Vec<&'t str> {
    let line = table.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {table}"));
    line.trim_matches(['|', ' ']).split(" | ").collect()
}

#[test]
fn either_cell_is_proved_and_validated_on_the_same_folds() {
    let folder = folder("proof");
    fs::write(folder.join("hdfs_train.txt"), done(&folder, "make --count 200")).unwrap();
    fs::write(folder.join("hdfs_test_abnormal.txt"), done(&folder, "make --count 40 --odd --seed 4")).unwrap();
    let proof = |flags: &str| done(&folder, &format!("proof --data . --seeds 1 --epochs 4 --hidden 8 --quiet {flags}"));
    let (rnn, lstm) = (proof("--cell rnn"), proof("--cell lstm"));
    let parameters = [("| D=16 H=8, balance | 0.10% ", &rnn), ("| LSTM D=16 H=8, balance | 0.10% ", &lstm)]
        .map(|(start, table)| row(table, start)[2].parse::<usize>().unwrap());
    // V = 10: VD + HV + V, and DH + HH + H for each gate
    assert_eq!(parameters, [160 + 90 + 200, 160 + 90 + 4 * 200]);
    // what no model is in says that the folds are the same
    for baseline in ["| unseen 2-gram ", "| unseen counts "] {
        assert_eq!(row(&rnn, baseline), row(&lstm, baseline));
    }

    // no abnormal session is read
    fs::remove_file(folder.join("hdfs_test_abnormal.txt")).unwrap();
    let nats = |flags: &str, start: &str| row(&proof(flags), start)[4].parse::<f64>().unwrap();
    let short = nats("--valid --cell lstm", "| LSTM D=16 H=8 | 4 | 3 | 1050 ");
    assert!(short > 0.1 && short < (10_f64).ln(), "{short}");
    assert!(nats("--valid", "| D=16 H=8 | 4 | 2 | 450 ") < (10_f64).ln());
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
        ("learn --cell gru", 2, "--cell"),
    ] {
        let (found, _, err) = run(&folder, line);
        assert!(found == Some(code) && err.contains(word), "{line}: {found:?} {err}");
    }
    fs::remove_dir_all(folder).unwrap();
}
