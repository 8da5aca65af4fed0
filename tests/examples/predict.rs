//! Promise: a saved model makes up text, the same everywhere; the example `predict` tells what comes next, typed or
//! through a pipe, and how likely a sentence is.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use rnnlm::{Checkpoint, Isa};

use crate::example::{SENTENCE, SMALL, assert_harmless, example, folder, lines, predict, run, text};

/// The lines that it prints.
fn answers(folder: &Path, line: &str, input: &str) -> Vec<String> {
    let output = predict(folder, line, input.as_bytes());
    assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
    text(&output.stdout).lines().map(String::from).collect()
}

/// A model `m` that knows the sentence of the book, and an `<unk>`.
fn with_model(test: &str) -> PathBuf {
    let folder = folder(test);
    fs::write(folder.join("a.txt"), format!("{}<unk> <unk>\n", SENTENCE.repeat(40))).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 30 --save m"));
    folder
}

#[test]
fn a_pipe_gets_one_block_for_each_line() {
    let folder = with_model("pipe_blocks");
    let lines = answers(&folder, "--load m --top 3", "you\nyou say goodbye and i say\n\n  you   say  yes\nyou");
    let blocks: Vec<&[String]> = lines.split(|line| line.is_empty()).collect();
    assert_eq!(blocks.len(), 5, "{lines:?}");
    assert_eq!((blocks[0][0].as_str(), blocks[1][0].as_str()), ("you ...", "you say goodbye and i say ..."));
    let row = |line: &str| {
        let fields: Vec<String> = line.split_whitespace().map(String::from).collect();
        (fields[0].clone(), fields[1].strip_suffix('%').unwrap().parse::<f64>().unwrap(), fields.get(2).cloned())
    };
    for block in &blocks {
        let rows: Vec<_> = block.iter().skip(block.len() - 3).map(|line| row(line)).collect();
        assert!(rows.is_sorted_by(|a, b| a.1 >= b.1), "{block:?}");
        for (word, percent, bar) in rows {
            assert!(word != "<unk>" && bar.unwrap_or_default().len() == (percent * 0.4).round() as usize, "{block:?}");
        }
    }
    assert_eq!(row(&blocks[0][1]).0, "say");
    assert_eq!(row(&blocks[1][1]).0, "hello");
    assert_eq!((blocks[2][0].as_str(), row(&blocks[2][1]).0), ("...", "you".into()));
    assert_eq!(blocks[3][..2], ["you say yes ...", "  not in the vocabulary: yes (read as <unk>)"]);
    // a line stands for itself
    assert_eq!(blocks[4], blocks[0]);
    let count = |flags: &str| answers(&folder, &format!("--load m {flags}"), "you\n").len();
    assert_eq!((count(""), count("--top=1"), count("--top 1000")), (6, 2, 9));
}

#[test]
fn temperature_makes_words_more_or_less_alike() {
    let folder = with_model("temperature");
    let first = |flags: &str| -> f64 {
        let lines = answers(&folder, &format!("--load m {flags}"), "you say\n");
        lines[1].split_whitespace().nth(1).unwrap().trim_end_matches('%').parse().unwrap()
    };
    assert!(first("--temperature 0.5") > first("") && first("") > first("--temperature=2"));
}

#[test]
fn a_sentence_is_scored_word_by_word() {
    let folder = with_model("score");
    let sentence = SENTENCE.trim_end();
    let lines = answers(&folder, "--load m --score", &format!("{sentence}\nhello you yes\n\n"));
    assert_eq!(lines[0], sentence);
    let words: Vec<&str> = sentence.split(' ').chain(["<eos>"]).collect();
    let mut log_likelihood = 0.0;
    for (word, line) in words.iter().zip(&lines[2..]) {
        let [found, percent, rank] = line.split_whitespace().collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!((found, rank), (*word, "1"), "{lines:?}");
        log_likelihood += (percent.trim_end_matches('%').parse::<f64>().unwrap() / 100.0).ln();
    }
    let perplexity = (-log_likelihood / 9.0).exp();
    let expected = format!("  log-likelihood {log_likelihood:.3}, perplexity {perplexity:.2} (9 tokens)");
    assert_eq!(lines[11], expected, "{lines:?}");
    // less likely, and with an unknown word
    assert_eq!(lines[13..15], ["hello you yes", "  not in the vocabulary: yes (read as <unk>)"]);
    assert!(lines[18].starts_with("  <unk> "), "{lines:?}");
    assert!(
        lines[20].contains(" (4 tokens)") && lines[21].ends_with(" without the unknown words (1 tokens)"),
        "{lines:?}"
    );
    assert_eq!(lines[22..25], ["", "", "  an empty line has no score"], "{lines:?}");
}

#[test]
fn a_vocabulary_without_unk_and_without_lines() {
    let folder = folder("no_unk_no_eos");
    fs::write(folder.join("a.txt"), SENTENCE.replace('\n', " ").repeat(40)).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 20 --save m --generate 9"));
    let lines = answers(&folder, "--load m --top 1", "yes\nyou yes say goodbye\n");
    assert_eq!(
        lines[..3],
        [
            "yes ...",
            "  not in the vocabulary: yes (left out, as the model has no <unk>)",
            "  no known word to go on from"
        ]
    );
    assert!(lines[6].starts_with("  and "), "{lines:?}");
    let lines = answers(&folder, "--load m --score", "you\nyou say\n");
    assert_eq!(lines[..2], ["you", "  too few known words to score"]);
    assert!(lines[5].starts_with("  say ") && lines[6].ends_with("(1 tokens)"), "{lines:?}");
}

#[test]
fn a_word_wider_than_a_column_is_cut() {
    let folder = folder("long_word");
    let long = "語".repeat(70_000);
    fs::write(folder.join("a.txt"), SENTENCE.replace("goodbye", &long).repeat(40)).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 30 --save m --generate 20 --quiet"));
    let cut = "語".repeat(39) + "…";
    let lines = answers(&folder, "--load m --top 8", "you say\n");
    assert!(lines.iter().any(|line| line.starts_with(&format!("  {cut} "))), "{lines:?}");
    assert!(lines[1..].iter().all(|line| line.chars().nth(42) == Some(' ')), "{lines:?}");
    let lines = answers(&folder, "--load m --score", &format!("you say {long}\n"));
    assert!(lines[0].ends_with(&long) && lines[4].starts_with(&format!("  {cut} ")), "{:?}", &lines[1..]);
    assert!(lines[1..6].iter().all(|line| line.chars().nth(42) == Some(' ')), "{:?}", &lines[1..]);
}

#[test]
fn words_do_not_drive_the_terminal() {
    let folder = folder("terminal");
    let bad = "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}y\0";
    let shown = r"\u{1b}]0;x\u{7}\u{9b}2J\u{202e}y\u{0}";
    fs::write(folder.join("a.txt"), SENTENCE.replace("goodbye", bad).repeat(40)).unwrap();
    let mut outputs = vec![run(&folder, &format!("{SMALL} --epochs 30 --save m --generate 40"))];
    for flags in ["--load m --top 8", "--load m --score"] {
        outputs.push(predict(&folder, flags, format!("you say {bad} {bad}unknown").as_bytes()));
    }
    for output in outputs {
        assert!(output.status.success() && text(&output.stdout).contains(shown), "{output:?}");
        assert_harmless(&output);
    }
    for flags in ["--load \u{1b}c", "\u{1b}c", "--top \u{1b}c", "--load a.txt\u{1b}c/"] {
        let output = predict(&folder, flags, b"");
        assert!(!output.status.success() && text(&output.stderr).contains(r"\u{1b}c"), "{output:?}");
        assert_harmless(&output);
    }
}

/// Training is over: what a prediction lacks is no other learning rate.
#[test]
fn a_prediction_that_fails_names_what_helps() {
    let folder = with_model("no_prediction");
    for temperature in ["3e-39", "1.2e-38", "1e-37", "1e-30"] {
        let generated = run(&folder, &format!("--load m --epochs 0 --quiet --generate 8 --temperature {temperature}"));
        let answered = predict(&folder, &format!("--load m --temperature {temperature}"), b"you say\n");
        for output in [generated, answered] {
            let message = text(&output.stderr);
            assert!(output.status.success() && message.is_empty(), "{output:?}");
            assert!(output.stdout.ends_with(b"\n"), "{output:?}");
        }
    }
    // weights that overflow
    let mut file = fs::read(folder.join("m")).unwrap();
    let header = 8 + usize::try_from(u64::from_le_bytes(file[..8].try_into().unwrap())).unwrap();
    let weights = Checkpoint::read(&file).unwrap().config().memory().unwrap().weights;
    for (i, weight) in file[header..][..4 * weights].chunks_exact_mut(4).enumerate() {
        weight.copy_from_slice(&if i % 2 == 0 { 3e38_f32 } else { -3e38 }.to_le_bytes());
    }
    let (body, checksum) = file.split_at(file.len() - 4);
    assert_ne!(crc32(body).to_le_bytes(), checksum);
    let file = [body, &crc32(body).to_le_bytes()].concat();
    fs::write(folder.join("large"), file).unwrap();
    fs::write(folder.join("v.txt"), SENTENCE).unwrap();
    for line in ["--generate 8", "--valid v.txt"] {
        let output = run(&folder, &format!("--load large --epochs 0 --quiet {line}"));
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output.stderr).contains("the weights of this model are too large"), "{line}: {output:?}");
    }
    for flags in ["", "--score"] {
        let output = predict(&folder, &format!("--load large {flags}"), b"you say\n");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output.stderr).contains("the weights of this model are too large"), "{flags}: {output:?}");
    }
}

/// The checksum that a file ends with.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

#[test]
fn bad_lines_and_files() {
    let folder = with_model("bad_predict");
    fs::write(folder.join("text"), SENTENCE).unwrap();
    for (line, input, code, part) in [
        ("", "", 1, "cargo run --release --example ptb -- --save model.safetensors"),
        ("--load missing", "", 1, "cargo run --release --example ptb -- --save model.safetensors"),
        ("--load text", "", 1, "text: not a safetensors file"),
        ("--load .", "", 1, "directory"),
        ("--load m --top 0", "", 2, "--top can't be"),
        ("--load m --top x", "", 2, "--top can't be"),
        ("--load m --temperature -1", "", 2, "--temperature can't be"),
        ("--load m --temperature 1e-45", "", 2, "it must be 0, which is greedy"),
        ("--load m --score --top 3", "", 2, "leave --top"),
        ("--load=", "", 2, "--load can't be"),
        ("--load", "", 2, "needs a value"),
        ("--frobnicate", "", 2, "--help lists the flags"),
        ("m", "", 2, "--help lists the flags"),
    ] {
        let output = predict(&folder, line, str::as_bytes(input));
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
        assert!(
            message.starts_with("predict: ") && message.contains(part) && output.stdout.is_empty(),
            "{line}: {message}"
        );
    }
    let output = predict(&folder, "--load m", b"you\ncaf\xe9\n");
    assert_eq!(
        (output.status.code(), text(&output.stderr).as_str()),
        (Some(1), "predict: line 2 is not UTF-8: convert it first\n")
    );
    let help = answers(&folder, "--help", "").join("\n");
    assert!(["--load", "--top", "--temperature", "--score", "--help"].iter().all(|flag| help.contains(*flag)));
    assert!(answers(&folder, "--load m", "").is_empty());
}

#[test]
fn as_many_words_are_made_up_as_asked_for() {
    let folder = with_model("generate");
    let generate = |flags: &str| {
        let lines = lines(&folder, &format!("--load m --epochs 0 --quiet {flags}"));
        assert!(lines.last().unwrap().starts_with("steps/s: "));
        lines[..lines.len() - 1].to_vec()
    };
    for count in [1, 7, 100] {
        let lines = generate(&format!("--generate {count}"));
        let words: Vec<&str> = lines.iter().flat_map(|line| line.split(' ')).collect();
        assert_eq!(words.len(), count);
        assert!(words.iter().all(|word| SENTENCE.contains(word) && !word.is_empty()), "{lines:?}");
        assert!(count < 100 || lines.len() > 5, "{lines:?}");
    }
    assert_eq!(generate("").len(), 0);
    // greedy, it is the sentence again and again
    assert_eq!(generate("--generate 24 --top 1"), [SENTENCE.trim_end(); 3]);
    // by the seed of the file, or another, on every instruction set
    let usual = generate("--generate 60");
    assert_eq!(generate("--generate 60 --seed 1"), usual);
    assert_ne!(generate("--generate 60 --seed 2 --temperature 3"), generate("--generate 60 --seed 3 --temperature 3"));
    assert_ne!(generate("--generate 60 --temperature 9"), usual);
    for isa in Isa::available() {
        assert_eq!(generate(&format!("--generate 60 --isa {}", isa.name())), usual);
    }
}

#[test]
fn a_model_without_words_of_its_own_makes_up_none() {
    let folder = folder("blank");
    fs::write(folder.join("a.txt"), "\n".repeat(400)).unwrap();
    let lines = lines(&folder, &format!("{SMALL} --epochs 1 --generate 5"));
    assert!(lines[lines.len() - 2].starts_with("| epoch 1 "), "{lines:?}");
}

#[cfg(unix)]
#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let folder = with_model("early");
    fs::write(folder.join("many"), "you say\n".repeat(20_000)).unwrap();
    let command = format!("{} --load m <many | head -n 2", example("predict").display());
    let output = Command::new("sh").current_dir(&folder).args(["-c", &command]).output().unwrap();
    assert_eq!((text(&output.stdout).lines().count(), text(&output.stderr).as_str()), (2, ""));
}
