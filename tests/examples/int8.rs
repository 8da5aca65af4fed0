//! Promise: `ptb --quantize` writes int8 weights that `predict` asks like those they were made of; what they can't do
//! is told.

use std::{fs, path::Path};

use rnnlm::{Config, LstmCell, Quantized, SimpleRnnlm, Xorshift};

use crate::example::{SMALL, fails, lines, predict, text, with_text};

fn answer(folder: &Path, line: &str, input: &str) -> String {
    let output = predict(folder, line, input.as_bytes());
    assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
    text(&output.stdout)
}

#[test]
fn int8_weights_are_asked_like_those_they_were_made_of() {
    let folder = with_text("int8_asked");
    lines(&folder, &format!("{SMALL} --epochs 30 --save m --quantize q"));
    let file = fs::read(folder.join("q")).unwrap();
    assert_eq!(Quantized::read(&file).unwrap().words().count(), 8);
    // made later, it is the same file
    lines(&folder, "--load m --data a.txt --epochs 0 --quantize later");
    assert!(fs::read(folder.join("later")).unwrap() == file);

    let first = |model: &str, input: &str| {
        let answer = answer(&folder, &format!("--load {model} --top 3"), input);
        answer.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_string()
    };
    for input in ["you", "you say goodbye and i say", "i say"] {
        assert_eq!(first("q", input), first("m", input), "{input}");
    }
    let greedy = |model: &str| answer(&folder, &format!("--load {model} --generate 9 --temperature 0"), "you\n");
    assert_eq!(greedy("q"), greedy("m"));
    let drawn = |flags: &str| answer(&folder, &format!("--load q --generate 9 {flags}"), "you\n");
    assert_eq!(drawn("--seed 4"), drawn("--seed 4"));
    let perplexity = |model: &str| -> f64 {
        let table = answer(&folder, &format!("--load {model} --score --tsv"), "you say goodbye and i say hello .\n");
        table.lines().last().unwrap().split('\t').nth(6).unwrap().parse().unwrap()
    };
    let (int8, exact) = (perplexity("q"), perplexity("m"));
    assert!((int8 / exact - 1.0).abs() < 0.02, "{int8} {exact}");
}

#[test]
fn an_lstm_in_int8_is_asked_like_the_one_it_was_made_of() {
    let folder = with_text("int8_lstm");
    lines(&folder, &format!("{SMALL} --cell lstm --epochs 40 --save m --quantize q"));
    let file = fs::read(folder.join("q")).unwrap();
    assert_eq!(Quantized::<LstmCell>::read_as(&file).unwrap().words().count(), 8);
    lines(&folder, "--load m --data a.txt --epochs 0 --quantize later");
    assert!(fs::read(folder.join("later")).unwrap() == file);
    for flags in ["--top 1", "--generate 9 --temperature 0"] {
        let words = |model: &str| {
            let answer = answer(&folder, &format!("--load {model} {flags}"), "you say\n");
            answer
                .split_whitespace()
                .filter(|word| word.starts_with(|c: char| c.is_alphabetic()))
                .map(String::from)
                .collect::<Vec<_>>()
        };
        assert_eq!(words("q"), words("m"), "{flags}");
    }
    let perplexity = |model: &str| -> f64 {
        let table = answer(&folder, &format!("--load {model} --score --tsv"), "you say goodbye and i say hello .\n");
        table.lines().last().unwrap().split('\t').nth(6).unwrap().parse().unwrap()
    };
    let (int8, exact) = (perplexity("q"), perplexity("m"));
    assert!((int8 / exact - 1.0).abs() < 0.02, "{int8} {exact}");
    fails(&folder, "--load q --data a.txt --epochs 2", 1, "int8, made for prediction alone");
}

#[test]
fn what_int8_weights_cannot_do_is_told() {
    let folder = with_text("int8_told");
    lines(&folder, &format!("{SMALL} --epochs 1 --save m --quantize q"));
    for epochs in [0, 2] {
        fails(&folder, &format!("--load q --data a.txt --epochs {epochs}"), 1, "int8, made for prediction alone");
    }
    fails(&folder, &format!("{SMALL} --epochs 1 --save x --quantize x"), 1, "--quantize and --save name the same");
    fails(&folder, &format!("{SMALL} --epochs 1 --quantize nowhere/q"), 1, "nowhere");
    let mut damaged = fs::read(folder.join("q")).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(folder.join("damaged"), damaged).unwrap();
    let output = predict(&folder, "--load damaged", b"you\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("checksum"), "{output:?}");
    let config = Config { vocab_size: 3, wordvec_size: 2, hidden_size: 2, batch_size: 1, time_size: 1 };
    let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
    let mut wordless = vec![0; Quantized::encoded_len(config, 0).unwrap()];
    Quantized::write(&model.weights(), "", &mut wordless).unwrap();
    fs::write(folder.join("wordless"), wordless).unwrap();
    let output = predict(&folder, "--load wordless", b"you\n");
    assert_eq!(output.status.code(), Some(1));
    let advice = "--load its f32 file --vocabulary WORDS --epochs 0 --quantize FILE";
    assert!(text(&output.stderr).contains(advice), "{output:?}");
}
