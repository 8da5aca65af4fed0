//! Promise: first contact is quick: help and version at once, and errors in the words of the command line.

use std::{fs, process::Output};

use crate::example::{SMALL, folder, predict, run, text, with_text};

fn succeeds(output: &Output) -> String {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    text(&output.stdout)
}

#[test]
fn help_and_version_are_where_one_looks_for_them() {
    let folder = folder("first_help");
    let version = env!("CARGO_PKG_VERSION");
    let ptb = |line: &str| succeeds(&run(&folder, line));
    let ask = |line: &str| succeeds(&predict(&folder, line, b""));
    assert_eq!(ptb("-h"), ptb("--help"));
    assert_eq!(ask("-h"), ask("--help"));
    assert_eq!(ptb("--version"), format!("ptb (rnnlm) {version}\n"));
    assert_eq!(ask("--version"), format!("predict (rnnlm) {version}\n"));
    // whatever else stands there
    assert_eq!(ptb("--epochs 3 --quiet -h"), ptb("-h"));
    assert_eq!(ask("--tsv --seed 3 --version"), ask("--version"));
    for help in [ptb("-h"), ask("-h")] {
        assert!(help.contains("exit codes: 0 done; 2 a bad command line; 1 anything else"), "{help}");
        assert!(help.lines().all(|line| line.len() <= 120), "{help}");
    }
}

#[test]
fn a_bad_value_is_told_what_it_must_be() {
    let folder = with_text("first_values");
    for (line, message) in [
        ("--lr 0", r#"--lr can't be "0": it must be a number above 0"#),
        ("--lr-decay 0.5", r#"--lr-decay can't be "0.5": it must be a number of at least 1"#),
        ("--clip -1", r#"--clip can't be "-1": it must be a number above 0, or inf"#),
        ("--epochs x", r#"--epochs can't be "x": it must be a whole number, 0 or above"#),
        ("--hidden 0", r#"--hidden can't be "0": it must be a whole number above 0"#),
        (
            "--seed 18446744073709551616",
            r#"--seed can't be "18446744073709551616": it must be at most 18446744073709551615"#,
        ),
        (
            "--temperature -1",
            r#"--temperature can't be "-1": it must be 0, which is greedy, or a number of at least 3e-39"#,
        ),
        ("--isa abacus", r#"--isa can't be "abacus": it must be portable, sse2, avx2, avx512 or neon"#),
        ("--save=", r#"--save can't be "": it must be the name of a file"#),
        ("--quiet --epochs 1 --quiet", "--quiet is given twice: give it once"),
        ("--lr 1 --lr=1", "--lr is given twice: give it once"),
        ("-x", r#"unknown argument "-x": --help lists the flags"#),
    ] {
        let output = run(&folder, line);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), format!("ptb: {message}\n")), "{line}");
        assert!(output.stdout.is_empty(), "{line}");
    }
}

/// No message sends the user to a function of the library.
#[test]
fn errors_are_in_the_words_of_the_command_line() {
    let folder = with_text("first_words");
    fs::write(folder.join("short.txt"), "one two three").unwrap();
    fs::write(folder.join("latin1.txt"), b"caf\xe9").unwrap();
    assert!(run(&folder, &format!("{SMALL} --epochs 1 --save m")).status.success());
    let (most, root) = (usize::MAX, 1_usize << (usize::BITS / 2));
    for (line, part) in [
        ("--hidden 1000000000", "make --hidden, --wordvec, --batch or --time smaller"),
        (&*format!("--wordvec {most}"), "make --hidden, --wordvec, --batch or --time smaller"),
        (&*format!("--batch {root} --time {root}"), "--batch times --time is more than can be counted"),
        (
            "--data short.txt",
            "the text has 3 tokens, 51 are needed for one step: take a longer one, or a smaller --batch",
        ),
        ("--data latin1.txt", "not UTF-8 at byte 3"),
        ("--data a.txt --load m --hidden 9", "leave the flag out"),
        ("--data a.txt --save-best n", "name one by --valid"),
        ("--data a.txt --patience 2", "--patience needs a text to validate on: name one by --valid"),
        ("--data a.txt --lr 3e38 --clip 5", "lower --lr (now 3e38), or --clip (now 5.0)"),
    ] {
        let output = run(&folder, line);
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}: {output:?}");
        assert!(message.starts_with("ptb: ") && message.contains(part), "{line}: {message}");
        assert!(!message.contains("::"), "{line}: {message}");
    }
}
