//! Promise: a run tells where it stands: lines on the way, and an end where the validation no longer improves.

use std::fs;

use rnnlm::Checkpoint;

use crate::example::{SMALL, lines, text, with_text};

/// What stands behind `name` in a line of parts.
fn part<'l>(line: &'l str, name: &str) -> &'l str {
    let found = line.split(" | ").find_map(|part| part.strip_prefix(name));
    found.unwrap_or_else(|| panic!("no {name} in {line}")).trim()
}

#[test]
fn every_so_many_steps_a_line_is_printed() {
    let folder = with_text("log_every");
    // 359 pairs of tokens: 44 steps an epoch
    let printed = lines(&folder, &format!("{SMALL} --epochs 2 --log-every 20"));
    let told: Vec<&str> = printed.iter().filter(|line| line.starts_with("| epoch ")).map(String::as_str).collect();
    let starts: Vec<String> = told.iter().map(|line| line.split(" | ").take(2).collect::<Vec<_>>().join(" ")).collect();
    for (start, expected) in starts.iter().zip([
        "| epoch 1 step 20 of 44",
        "| epoch 1 step 40 of 44",
        "| epoch 1 perplexity",
        "| epoch 2 step 20 of 44",
        "| epoch 2 step 40 of 44",
        "| epoch 2 perplexity",
    ]) {
        assert!(start.starts_with(expected), "{told:?}");
    }
    assert_eq!(told.len(), 6);
    let perplexities: Vec<f64> = told.iter().map(|line| part(line, "perplexity ").parse().unwrap()).collect();
    // the steps since the line before come to the epoch, but for its last four
    assert!(perplexities[0] > perplexities[2] && perplexities[2] > perplexities[1], "{told:?}");
    for line in told {
        assert_eq!(part(line, "lr "), "0.5");
        assert_eq!(line.contains(" steps/s"), line.contains(" | step "), "{line}");
    }
    // it changes nothing else
    let plain = lines(&folder, &format!("{SMALL} --epochs 2"));
    assert!(plain.iter().filter(|line| line.starts_with("| epoch")).all(|line| printed.contains(line)));
    let quiet = lines(&folder, &format!("{SMALL} --epochs 2 --log-every 1 --quiet"));
    assert_eq!(quiet.len(), 2, "{quiet:?}");
}

#[test]
fn a_run_out_of_patience_stops_and_keeps_what_it_has() {
    let folder = with_text("patience");
    // overfits: the words come in another order
    fs::write(folder.join("v.txt"), "hello i say and you say goodbye .\n".repeat(5)).unwrap();
    let run = |line: &str| lines(&folder, &format!("{SMALL} --valid v.txt {line}"));
    let all = run("--epochs 12");
    let valid: Vec<f64> =
        all.iter().filter(|line| line.starts_with("| ")).map(|line| part(line, "valid ").parse().unwrap()).collect();
    let best = (0..12).min_by(|&a, &b| valid[a].total_cmp(&valid[b])).unwrap() + 1;
    assert!(best < 9, "{valid:?}");
    for patience in [1, 3] {
        let printed = run(&format!("--epochs 12 --patience {patience} --save m --save-best best --csv c.csv"));
        let expected = match patience {
            1 => "stopped by --patience: 1 epoch without a better validation",
            _ => "stopped by --patience: 3 epochs in a row without a better validation",
        };
        assert!(printed.iter().any(|line| line == expected), "{printed:?}");
        let epochs = printed.iter().filter(|line| line.starts_with("| epoch ")).count();
        let first = (1..12).find(|&i| {
            (0..patience).all(|k| i + k < 12 && valid[i + k] >= valid[..i].iter().copied().fold(f64::MAX, f64::min))
        });
        assert_eq!(epochs, first.unwrap() + patience, "{valid:?}");
        assert!(printed.last().unwrap().starts_with("steps/s: "));
        let state = |name: &str| Checkpoint::read(&fs::read(folder.join(name)).unwrap()).unwrap().training().unwrap();
        assert_eq!(state("m").epoch, epochs as u64);
        assert_eq!(fs::read_to_string(folder.join("c.csv")).unwrap().lines().count(), epochs + 1);
        assert!(state("best").epoch <= state("m").epoch - patience as u64);
    }
    // where the validation goes on improving, nothing is stopped
    let same = lines(&folder, &format!("{SMALL} --valid a.txt --epochs 4 --patience 1"));
    assert_eq!(same.iter().filter(|line| line.starts_with("| epoch ")).count(), 4, "{same:?}");
}

/// In a pipe no bar is drawn.
#[test]
fn a_pipe_gets_plain_lines() {
    let folder = with_text("plain_lines");
    let output = crate::example::run(&folder, &format!("{SMALL} --epochs 2"));
    assert!(!text(&output.stdout).contains(['\r', '\u{1b}']), "{output:?}");
}
