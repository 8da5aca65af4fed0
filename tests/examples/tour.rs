//! Promise: the tour, `examples/tour.md`, shows what its commands print.

use std::{fs, path::Path};

use crate::example::{folder, predict, run, text};

/// The commands of the tour, each with the lines shown below it.
fn commands(tour: &str) -> Vec<(String, Vec<&str>)> {
    let mut commands: Vec<(String, Vec<&str>)> = Vec::new();
    for block in tour.split("```console\n").skip(1) {
        let mut lines = block.split("```").next().unwrap().lines();
        while let Some(line) = lines.next() {
            let Some(command) = line.strip_prefix("$ ") else {
                commands.last_mut().unwrap().1.push(line);
                continue;
            };
            let mut command = command.to_owned();
            while let Some(start) = command.strip_suffix('\\') {
                command = start.to_owned() + lines.next().unwrap().trim_start();
            }
            commands.push((command, Vec::new()));
        }
    }
    commands
}

/// What a command prints.
pub fn output(folder: &Path, command: &str) -> String {
    let cargo = "cargo run --release --example ";
    let (input, rest) = match command.strip_prefix("echo \"").and_then(|rest| rest.split_once("\" | ")) {
        Some((input, rest)) => (input, rest),
        None => ("", command),
    };
    let (name, line) = rest.strip_prefix(cargo).and_then(|rest| rest.split_once(" -- ")).expect(command);
    let output = match name {
        "ptb" => run(folder, line),
        "predict" => predict(folder, line, format!("{input}\n").as_bytes()),
        _ => panic!("{name} is no example of the tour"),
    };
    assert!(output.status.success(), "{command}: {output:?}");
    text(&output.stdout)
}

/// Whether the lines are those shown, in which `...` stands for any.
fn shows(shown: &[&str], lines: &[&str]) -> bool {
    match (shown, lines) {
        ([], []) => true,
        (["...", rest @ ..], _) => (0..=lines.len()).any(|skipped| shows(rest, &lines[skipped..])),
        ([first, shown @ ..], [line, lines @ ..]) => first == line && shows(shown, lines),
        _ => false,
    }
}

#[test]
fn the_tour_shows_what_its_commands_print() {
    let folder = folder("tour");
    let tour = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/tour.md")).unwrap();
    let commands = commands(&tour);
    assert_eq!(commands.len(), 6);
    for (command, shown) in commands {
        let printed = output(&folder, &command);
        assert!(shows(&shown, &printed.lines().collect::<Vec<_>>()), "{command} prints\n{printed}");
    }
}
