//! Promise: a prompt is continued, by `ptb` and line by line by `predict`; temperature 0 is greedy.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rnnlm::Isa;

use crate::example::{SENTENCE, SMALL, assert_harmless, example, folder, lines, predict, run, text};

/// A model `m` that knows the sentence of the book, and an `<unk>`.
fn with_model(test: &str) -> PathBuf {
    let folder = folder(test);
    fs::write(folder.join("a.txt"), format!("{}<unk> <unk>\n", SENTENCE.repeat(40))).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 30 --save m"));
    folder
}

/// Lets `ptb` go on from a prompt with spaces in it.
fn prompted(folder: &Path, prompt: &str, flags: &str) -> Output {
    let mut command = Command::new(example("ptb"));
    command.current_dir(folder).args(["--load", "m", "--epochs", "0", "--quiet", "--prompt", prompt]);
    command.args(flags.split_whitespace()).output().unwrap()
}

/// What is printed before the rate.
fn words(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    let mut lines: Vec<String> = text(&output.stdout).lines().map(String::from).collect();
    assert!(lines.pop().unwrap().starts_with("steps/s: "));
    lines
}

#[test]
fn a_prompt_is_continued() {
    let folder = with_model("prompt");
    let greedy = "--temperature 0 --generate";
    let output = prompted(&folder, "you say goodbye and", &format!("{greedy} 4"));
    assert_eq!((words(&output), text(&output.stderr)), (vec!["you say goodbye and i say hello .".into()], "".into()));
    // the words of the prompt are not counted, nor is the end of a line
    let output = prompted(&folder, "  you say \t goodbye and i say", &format!("{greedy} 4"));
    assert_eq!(words(&output), [SENTENCE.trim_end(), "you say"]);
    let output = prompted(&folder, "hello .\n", &format!("{greedy} 2"));
    assert_eq!(words(&output), ["hello .", "you say"]);
    let nothing = prompted(&folder, "", &format!("{greedy} 8"));
    assert_eq!(words(&nothing), [SENTENCE.trim_end()]);
    // another seed, another text; the same one on every instruction set
    let usual = words(&prompted(&folder, "you", "--generate 60 --temperature 3"));
    assert_ne!(words(&prompted(&folder, "you", "--generate 60 --temperature 3 --seed 2")), usual);
    for isa in Isa::available() {
        let flags = format!("--generate 60 --temperature 3 --isa {}", isa.name());
        assert_eq!(words(&prompted(&folder, "you", &flags)), usual);
    }
}

#[test]
fn unknown_words_of_a_prompt_are_named() {
    let folder = with_model("prompt_unknown");
    let output = prompted(&folder, "you say \u{1b}c no", "--generate 3 --temperature 0");
    let expected = "ptb: warning: --prompt: not in the vocabulary: \\u{1b}c no (read as <unk>)\n";
    assert_eq!(text(&output.stderr), expected);
    assert!(words(&output)[0].starts_with(r"you say \u{1b}c no "), "{output:?}");
    assert_harmless(&output);
    let output = predict(&folder, "--load m --generate 3", b"you\nno say\n");
    assert_eq!(text(&output.stderr), "predict: line 2: not in the vocabulary: no (read as <unk>)\n");
    assert!(output.status.success() && text(&output.stdout).contains("\nno say "), "{output:?}");

    // without an <unk> they are skipped, and the rest is gone on from
    fs::write(folder.join("b.txt"), SENTENCE.repeat(40)).unwrap();
    lines(&folder, &format!("{} --epochs 30 --save m", SMALL.replace("a.txt", "b.txt")));
    let output = prompted(&folder, "you no say", "--generate 2 --temperature 0");
    assert_eq!(words(&output), ["you no say goodbye and"]);
    assert!(text(&output.stderr).ends_with("not in the vocabulary: no (left out, as the model has no <unk>)\n"));
}

#[test]
fn each_line_of_a_pipe_is_continued() {
    let folder = with_model("prompt_lines");
    let go_on = |flags: &str, input: &str| {
        let output = predict(&folder, &format!("--load m {flags}"), input.as_bytes());
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        text(&output.stdout)
    };
    let input = "you say goodbye and\n\n  you   say goodbye and i say hello\nyou say goodbye and";
    let printed = go_on("--generate 4 --temperature 0", input);
    let block = "you say goodbye and i say hello .\n";
    let expected =
        [block, "you say goodbye and\n", "you say goodbye and i say hello .\nyou say goodbye\n", block].join("\n");
    assert_eq!(printed, expected);
    // a line stands for itself, also for the random numbers
    let drawn = go_on("--generate 20 --temperature 3", "you\ni\nyou\n");
    let blocks: Vec<&str> = drawn.split("\n\n").map(str::trim_end).collect();
    assert!(blocks.len() == 3 && blocks[0] == blocks[2], "{drawn}");
    assert_eq!(go_on("--generate 20 --temperature 3 --seed 1", "you\ni\nyou\n"), drawn);
    assert_ne!(go_on("--generate 20 --temperature 3 --seed 2", "you\ni\nyou\n"), drawn);
    assert_eq!(go_on("--generate 4 --temperature 3 --top 1", "you say goodbye and\n"), block);
    // the same words as `ptb` makes up
    let from_ptb = words(&prompted(&folder, "you", "--generate 30 --temperature 3 --top 4")).join("\n") + "\n";
    assert_eq!(go_on("--generate 30 --temperature 3 --top 4", "you\n"), from_ptb);
}

/// Greedy takes the likeliest word, also where the likeliest of all is one that is never made up.
#[test]
fn temperature_0_is_greedy() {
    let folder = folder("prompt_greedy");
    // behind `say` comes <unk> twice as often as hello
    fs::write(folder.join("a.txt"), "you say <unk> .\nyou say hello .\nyou say <unk> .\n".repeat(30)).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 30 --save m"));
    let [greedy, tops] = ["--temperature 0", "--top 1"].map(|how| {
        let flags = format!("--load m --epochs 0 --quiet --generate 12 {how}");
        words(&run(&folder, &flags))
    });
    assert_eq!((&greedy, greedy[0].as_str()), (&tops, "you say hello ."));
    let output = predict(&folder, "--load m --temperature 0 --top 2", b"you say\n");
    let shown: Vec<String> = text(&output.stdout).lines().map(String::from).collect();
    assert!(shown[1].starts_with("  hello    100.0% ####"), "{shown:?}");
    assert!(shown[2].ends_with("   0.0%"), "{shown:?}");
}

#[test]
fn a_prompt_without_generate_is_a_bad_line() {
    let folder = with_model("prompt_bad");
    for (line, part) in [
        ("--prompt you", "give --generate K too"),
        ("--prompt", "--prompt needs a value TEXT"),
        ("--generate 3 --generate 4", "--generate is given twice: give it once"),
    ] {
        let output = run(&folder, line);
        assert!(output.status.code() == Some(2) && text(&output.stderr).contains(part), "{line}: {output:?}");
    }
    for (line, part) in [
        ("--load m --generate 0", "it must be a whole number above 0"),
        ("--load m --seed 3", "give --generate K too"),
        ("--load m --score --generate 3", "leave one of them out"),
        ("--load m --tsv", "give --score too"),
        ("--load m --load m", "--load is given twice: give it once"),
    ] {
        let output = predict(&folder, line, b"");
        assert!(output.status.code() == Some(2) && text(&output.stderr).contains(part), "{line}: {output:?}");
    }
}
