//! Promise: `ptb --cell lstm` trains, saves and goes on as with the tanh cell, and `predict` asks what it saved.

use std::fs;

use crate::example::{SMALL, fails, lines, predict, text, with_text};

#[test]
fn an_lstm_is_trained_in_two_parts_and_asked() {
    let folder = with_text("lstm_asked");
    let whole = lines(&folder, &format!("{SMALL} --cell lstm --epochs 40 --save whole"));
    lines(&folder, &format!("{SMALL} --cell lstm --epochs 15 --save half"));
    // the file tells the cell
    lines(&folder, "--load half --data a.txt --epochs 40 --save both");
    let [both, whole_file] = ["both", "whole"].map(|name| fs::read(folder.join(name)).unwrap());
    assert!(both == whole_file);
    assert!(String::from_utf8_lossy(&both).contains("lstm.Wx"));
    let perplexity = |line: &str| line.split(' ').nth(5).unwrap().parse::<f32>().unwrap();
    let epochs: Vec<&String> = whole.iter().filter(|line| line.starts_with("| epoch ")).collect();
    assert!(perplexity(epochs[39]) < 0.5 * perplexity(epochs[0]), "{epochs:?}");

    let output = predict(&folder, "--load both --generate 5 --temperature 0", b"you say\n");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert!(text(&output.stdout).starts_with("you say "), "{output:?}");
    let output = predict(&folder, "--load both --score", b"you say goodbye\n");
    assert!(text(&output.stdout).contains("perplexity"), "{output:?}");
}

#[test]
fn what_contradicts_an_lstm_is_told() {
    let folder = with_text("lstm_told");
    lines(&folder, &format!("{SMALL} --cell lstm --epochs 1 --save m"));
    fails(&folder, "--load m --data a.txt --cell rnn --epochs 2", 1, "--cell rnn contradicts m, which has lstm");
    fails(&folder, &format!("{SMALL} --cell gru --epochs 1"), 2, "--cell");
}
