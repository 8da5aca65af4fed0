//! Promise: scores are there for programs too: a table of `predict --score --tsv`, totals over lines, and the recall of
//! held-out texts.

use std::{fs, path::PathBuf};

use crate::example::{SENTENCE, SMALL, assert_harmless, folder, lines, predict, text};

fn with_model(test: &str, training: &str) -> PathBuf {
    let folder = folder(test);
    fs::write(folder.join("a.txt"), training).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 30 --save m"));
    folder
}

const HEADER: [&str; 10] = [
    "line",
    "position",
    "word",
    "log_likelihood",
    "rank",
    "oov",
    "perplexity",
    "perplexity_without_oov",
    "recall_at_1",
    "recall_at_3",
];

/// The rows between header and total, and the total.
fn table(printed: &str) -> (Vec<Vec<String>>, Vec<String>) {
    let mut rows: Vec<Vec<String>> = printed.lines().map(|line| line.split('\t').map(String::from).collect()).collect();
    assert!(rows.iter().all(|row| row.len() == HEADER.len()), "{printed}");
    assert_eq!(rows.remove(0), HEADER);
    let total = rows.pop().unwrap();
    assert_eq!(total[0], "total");
    (rows, total)
}

fn number(cell: &str) -> f64 {
    cell.parse().unwrap_or_else(|_| panic!("{cell:?} is no number"))
}

#[test]
fn a_table_has_a_row_for_each_token_and_a_total() {
    let folder = with_model("tsv", &format!("{}<unk> <unk>\n", SENTENCE.repeat(40)));
    let input = format!("{SENTENCE}\nhello you yes\n  \n<unk> \u{1b}c\n");
    let output = predict(&folder, "--load m --score --tsv", input.as_bytes());
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_harmless_but_for_tabs(&output.stdout);
    let (rows, total) = table(&text(&output.stdout));
    let places: Vec<String> = rows.iter().map(|row| row[..3].join(" ")).collect();
    let expected = [
        "1 1 you",
        "1 2 say",
        "1 3 goodbye",
        "1 4 and",
        "1 5 i",
        "1 6 say",
        "1 7 hello",
        "1 8 .",
        "1 9 <eos>",
        "3 1 hello",
        "3 2 you",
        "3 3 yes",
        "3 4 <eos>",
        "5 1 <unk>",
        r"5 2 \u{1b}c",
        "5 3 <eos>",
    ];
    assert_eq!(places, expected);
    let unknown: Vec<usize> = (0..rows.len()).filter(|&row| rows[row][5] == "1").collect();
    assert_eq!(unknown, [11, 13, 14]);
    assert!(rows.iter().all(|row| row[6..].iter().all(String::is_empty)));

    // the total is what the rows come to
    let of = |is_in: &dyn Fn(usize) -> bool| -> (f64, f64) {
        let losses = (0..rows.len()).filter(|&row| is_in(row)).map(|row| number(&rows[row][3]));
        losses.fold((0.0, 0.0), |(sum, count), loss| (sum + loss, count + 1.0))
    };
    let (sum, count) = of(&|_| true);
    let (known_sum, known) = of(&|row| !unknown.contains(&row));
    let close = |cell: &str, expected: f64| assert!((number(cell) / expected - 1.0).abs() < 1e-5, "{cell} {expected}");
    assert_eq!((total[1].as_str(), total[2].as_str(), total[4].as_str(), total[5].as_str()), ("16", "", "", "3"));
    close(&total[3], sum);
    close(&total[6], (-sum / count).exp());
    close(&total[7], (-known_sum / known).exp());
    for (cell, most) in [(8, 1.0), (9, 3.0)] {
        let hits = (0..rows.len()).filter(|row| !unknown.contains(row) && number(&rows[*row][4]) <= most).count();
        assert_eq!(number(&total[cell]), hits as f64 / 16.0, "{total:?}");
    }
    assert!(number(&total[8]) < number(&total[9]) && number(&total[8]) >= 9.0 / 16.0, "{total:?}");
}

fn assert_harmless_but_for_tabs(printed: &[u8]) {
    let is_bad = |c: char| !"\n\t".contains(c) && c.is_control();
    assert!(!text(printed).contains(is_bad), "{printed:?}");
}

#[test]
fn words_without_a_score_are_counted_and_missed() {
    let folder = with_model("tsv_no_unk", &SENTENCE.repeat(40));
    let output = predict(&folder, "--load m --score --tsv", b"you no say\nno\n");
    let (rows, total) = table(&text(&output.stdout));
    let shown: Vec<[&str; 3]> = rows
        .iter()
        .map(|row| [row[2].as_str(), if row[3].is_empty() { "" } else { "scored" }, row[5].as_str()])
        .collect();
    let expected = [
        ["you", "scored", "0"],
        ["no", "", "1"],
        ["say", "scored", "0"],
        ["<eos>", "scored", "0"],
        ["no", "", "1"],
        ["<eos>", "scored", "0"],
    ];
    assert_eq!(shown, expected);
    // what has no score is left out of the perplexities, which are one then
    assert_eq!((total[1].as_str(), total[5].as_str(), &total[6]), ("4", "2", &total[7]));
    assert_eq!(number(&total[8]), 2.0 / 6.0, "{total:?}");

    // without a token that ends lines, the first word is what the others follow
    let folder = with_model("tsv_no_eos", &SENTENCE.replace('\n', " ").repeat(40));
    let output = predict(&folder, "--load m --score --tsv", b"no you say\nyou\n");
    let (rows, total) = table(&text(&output.stdout));
    let scored: Vec<(&str, bool)> = rows.iter().map(|row| (row[2].as_str(), !row[3].is_empty())).collect();
    assert_eq!(scored, [("no", false), ("you", false), ("say", true), ("you", false)]);
    assert_eq!((total[1].as_str(), total[5].as_str()), ("1", "1"));
}

#[test]
fn nothing_to_score_is_a_table_too() {
    let folder = with_model("tsv_empty", &SENTENCE.repeat(40));
    for input in ["", "\n\n", " \n"] {
        let output = predict(&folder, "--load m --score --tsv", input.as_bytes());
        let (rows, total) = table(&text(&output.stdout));
        assert!(rows.is_empty(), "{output:?}");
        assert_eq!(total, ["total", "0", "", "0", "", "0", "", "", "0", "0"]);
    }
}

#[test]
fn lines_come_to_a_total() {
    let folder = with_model("score_total", &format!("{}<unk> <unk>\n", SENTENCE.repeat(40)));
    let score = |input: &str| text(&predict(&folder, "--load m --score", input.as_bytes()).stdout);
    let one = score(&format!("{SENTENCE}\n"));
    assert!(!one.contains("total"), "{one}");
    assert!(one.ends_with("\n\n\n  an empty line has no score\n"), "{one}");
    let all = score(&format!("{SENTENCE}\nno\n{SENTENCE}"));
    let (_, total) = all.split_once("\n\ntotal of 3 lines\n").unwrap();
    let tsv =
        text(&predict(&folder, "--load m --score --tsv", format!("{SENTENCE}\nno\n{SENTENCE}").as_bytes()).stdout);
    let (_, row) = table(&tsv);
    let [sum, all, known, at_1, at_3] = [3, 6, 7, 8, 9].map(|cell| number(&row[cell]));
    let expected = format!(
        "  log-likelihood {sum:.3}, perplexity {all:.2} (20 tokens)\n  perplexity {known:.2} without the unknown words \
         (1 tokens)\n  recall at 1, 3: {:.2}% {:.2}%\n",
        100.0 * at_1,
        100.0 * at_3
    );
    assert_eq!(total, expected);
}

/// A text that one row of the model reads: `predict` and `ptb` come to the same recall on the same line.
#[test]
fn held_out_texts_have_a_recall() {
    let folder = with_model("recall", &format!("{}<unk> <unk>\n", SENTENCE.repeat(40)));
    // `ptb` predicts every token behind the first, `predict` starts behind an <eos> of its own
    fs::write(folder.join("v.txt"), "\nyou say hello and no goodbye .\n").unwrap();
    let printed = lines(&folder, "--load m --epochs 0 --valid v.txt");
    let told = printed.iter().find_map(|line| line.strip_prefix("valid recall at 1, 3, 5, 10: ")).unwrap();
    let shares: Vec<f64> = told.split(' ').map(|share| number(share.trim_end_matches('%'))).collect();
    let tsv = predict(&folder, "--load m --score --tsv", b"you say hello and no goodbye .\n");
    let (rows, total) = table(&text(&tsv.stdout));
    let expected = [1.0, 3.0, 5.0, 10.0].map(|most| {
        let hits = rows.iter().filter(|row| row[5] == "0" && number(&row[4]) <= most).count();
        (1e4 * hits as f64 / 8.0).round() / 100.0
    });
    assert_eq!((shares.as_slice(), rows.len()), (&expected[..], 8), "{rows:?}");
    // the unknown word is missed at every rank
    assert_eq!((expected[3], number(&total[9]) * 100.0), (87.5, expected[1]));
    assert_harmless(&predict(&folder, "--load m --score", b"no\x1b\n"));
}
