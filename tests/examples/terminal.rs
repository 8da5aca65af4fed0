//! Promise: on a terminal the progress line stays one line, whatever the width, and is gone in the end. The terminals
//! are those of tmux.
#![cfg(unix)]

use std::{
    env, fs,
    io::Write,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use crate::example::{SENTENCE, example, folder, lines, text};

/// A server of its own, which ends with the test.
struct Tmux<'f> {
    folder: &'f Path,
}

impl Tmux<'_> {
    fn tell(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.current_dir(self.folder).env_remove("TMUX").env("LC_ALL", "C.UTF-8");
        let output = command.args(["-S", "socket", "-f", "/dev/null"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        text(&output.stdout)
    }

    /// All lines of the terminal so far, also those that have scrolled out of it, as they stand in its columns.
    fn screen(&self) -> Vec<String> {
        let printed = self.tell(&["capture-pane", "-p", "-S", "-2000"]);
        printed.trim_end().lines().map(|line| line.trim_end().to_owned()).collect()
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let _ = Command::new("tmux").current_dir(self.folder).args(["-S", "socket", "kill-server"]).output();
    }
}

/// Whether there is a tmux; says so where not.
fn is_there(test: &str) -> bool {
    let found = Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success());
    if !found {
        assert!(env::var_os("RNNLM_REQUIRE_TMUX").is_none(), "tmux is missing");
        // printed also where the output of tests is captured
        let _ = writeln!(std::io::stderr(), "SKIPPED: {test}, as there is no tmux");
    }
    found
}

/// The rows in which a terminal shows a line.
fn wrapped(line: &str, columns: usize) -> Vec<String> {
    let characters: Vec<char> = line.chars().collect();
    let rows = characters.chunks(columns).map(|row| row.iter().collect::<String>().trim_end().to_owned());
    if line.is_empty() { vec![String::new()] } else { rows.collect() }
}

/// Runs in a terminal of so many columns; returns the progress lines that were seen.
fn bars(test: &str, columns: usize, environment: &str) -> Vec<String> {
    let folder = folder(test);
    fs::write(folder.join("a.txt"), SENTENCE.repeat(20_000)).unwrap();
    let line = |tokens: usize| {
        format!("--data a.txt --tokens {tokens} --hidden 100 --wordvec 100 --batch 1 --time 3 --lr 0.05 --epochs 3")
    };
    // a piped run says which lines there are; its length is such that some bars can be seen
    let (mut tokens, mut plain, mut seconds) = (200, Vec::new(), 0.0);
    while seconds < 1.5 && tokens < 180_000 {
        tokens = (tokens * 3).min(180_000);
        let started = Instant::now();
        plain = lines(&folder, &line(tokens));
        seconds = started.elapsed().as_secs_f64();
    }
    let tmux = Tmux { folder: &folder };
    let columns_of = columns.to_string();
    let command = format!("{environment} {} {}; echo done; sleep 60", example("ptb").display(), line(tokens));
    tmux.tell(&["new-session", "-d", "-x", &columns_of, "-y", "24", &format!("sh -c '{command}'")]);
    let (mut bars, started) = (Vec::new(), Instant::now());
    let screen = loop {
        let screen = tmux.screen();
        if screen.last().is_some_and(|line| line == "done") {
            break screen;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{screen:?}");
        let now: Vec<&String> = screen.iter().filter(|line| line.starts_with("epoch ")).collect();
        // one line is all there ever is
        assert!(now.len() <= 1, "{screen:#?}");
        bars.extend(now.into_iter().cloned());
        thread::sleep(Duration::from_millis(30));
    };
    // no refresh has added a line, and the last one is gone
    let expected: Vec<String> = plain.iter().flat_map(|line| wrapped(line, columns)).collect();
    let (rate, before) = (screen.len() - 2, expected.len() - 1);
    assert_eq!(screen[..rate], expected[..before], "{screen:#?}");
    assert!(screen[rate].starts_with("steps/s: "), "{screen:#?}");
    assert!(bars.len() > 3, "only these were seen: {bars:?}");
    bars
}

#[test]
fn forty_columns_are_enough() {
    if is_there("a terminal of 40 columns") {
        for bar in bars("terminal_40", 40, "") {
            // "epoch 3/3 (0%) run 67%, 5 s left ppl 1", where the perplexity is short; without the epoch's share else
            assert!(bar.len() < 40 && [" run ", "/3 ", " left"].iter().all(|part| bar.contains(part)), "{bar}");
        }
    }
}

#[test]
fn the_usual_width_shows_all() {
    if is_there("a terminal of 80 columns") {
        for bar in bars("terminal_80", 80, "") {
            assert!(bar.len() < 80 && bar.contains("%)  "), "{bar}");
            assert!(["run ", " left  ", "ppl ", "lr 0.05", " steps/s"].iter().all(|part| bar.contains(part)), "{bar}");
        }
    }
}

#[test]
fn two_hundred_columns_have_a_bar() {
    if is_there("a terminal of 200 columns") {
        let bars = bars("terminal_200", 200, "");
        for bar in &bars {
            assert!(bar.len() < 200 && bar.contains("/3 (") && bar.contains(" left  ppl "), "{bar}");
            let filled = bar.split_once('[').unwrap().1.split_once(']').unwrap().0;
            assert!(filled.len() == 30 && filled.chars().all(|c| "#-".contains(c)), "{bar}");
        }
        let share = |bar: &String| bar.split_once("run ").unwrap().1.split_once('%').unwrap().0.parse::<u32>().unwrap();
        assert!(bars.is_sorted_by_key(share) && share(&bars[0]) < 60, "{bars:?}");
    }
}

/// `COLUMNS` rules over what the terminal says.
#[test]
fn the_width_can_be_told() {
    if is_there("a width that is told") {
        for bar in bars("terminal_told", 100, "COLUMNS=30") {
            assert!(bar.len() < 30, "{bar}");
        }
    }
}
