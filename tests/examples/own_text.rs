//! Promise: any text can be trained on, judged, kept and gone on from: rare words, held-out parts, words that nothing
//! stands for, raw text, standard input, another text in the words of a model.

use std::{fs, path::Path, process::Command};

use rnnlm::{Checkpoint, Xorshift};

use crate::{
    example::{SENTENCE, SMALL, example, fails, folder, lines, predict, run, text, with_text},
    tour::output,
};

/// The words in a model's file.
fn words(file: &Path) -> Vec<String> {
    let bytes = fs::read(file).unwrap();
    Checkpoint::read(&bytes).unwrap().words().map(String::from).collect()
}

/// The state of training in a file.
fn state(file: &Path) -> rnnlm::TrainingState {
    Checkpoint::read(&fs::read(file).unwrap()).unwrap().training().unwrap()
}

fn perplexity(line: &str, name: &str) -> f64 {
    let rest = line.split_once(name).unwrap_or_else(|| panic!("{line}")).1;
    rest.split_whitespace().next().unwrap().parse().unwrap()
}

fn has(lines: &[String], part: &str) -> bool {
    lines.iter().any(|line| line.contains(part))
}

#[test]
fn words_that_nothing_stands_for_are_counted_and_left_out() {
    let folder = folder("left_out");
    fs::write(folder.join("a.txt"), "the pump starts now\nthe valve stops now\n".repeat(40)).unwrap();
    fs::write(folder.join("v.txt"), "the fan starts now\nthe valve stops later\n".repeat(10)).unwrap();
    // the known words alone, which the scores must be of
    fs::write(folder.join("known.txt"), "the starts now\nthe valve stops\n".repeat(10)).unwrap();
    let run = |valid: &str| lines(&folder, &format!("{SMALL} --epochs 2 --valid {valid}"));
    let [with, without] = ["v.txt", "known.txt"].map(run);
    assert_eq!(with[1], "valid size: 100, unknown words: 20 (left out, as the vocabulary has no <unk>)");
    assert_eq!(without[1], "valid size: 80, unknown words: 0");
    assert!(with[3].contains(" | valid ") && with[3..5] == without[3..5], "{with:?}");
    // nothing known is nothing to judge
    fs::write(folder.join("none.txt"), "fan later\n").unwrap();
    fails(&folder, &format!("{SMALL} --epochs 2 --valid none.txt"), 1, "none.txt: fewer than two tokens");
}

#[test]
fn rare_words_become_unk_by_count_or_by_size() {
    let folder = folder("rare");
    let text = format!("{}a rare bird\na rare fish\nsings\n", SENTENCE.repeat(40));
    fs::write(folder.join("a.txt"), text).unwrap();
    fs::write(folder.join("v.txt"), "you say a bird\n").unwrap();
    let sizes = |line: &str| lines(&folder, &format!("{SMALL} --epochs 0 --save m {line}"));
    let frequent = ["you", "say", "goodbye", "and", "i", "hello", ".", "<eos>"];
    assert_eq!(sizes("")[0], "corpus size: 370, vocabulary size: 13");
    let printed = sizes("--min-count 2 --valid v.txt");
    assert_eq!(printed[0], "corpus size: 370, vocabulary size: 11");
    assert_eq!(printed[1], "valid size: 5, unknown words: 1");
    assert!(has(&printed, "the rarest of its 13 words, 0.8% of the tokens, are read as <unk>"), "{printed:?}");
    assert_eq!(words(&folder.join("m")), [&frequent[..], &["a", "rare", "<unk>"]].concat());
    sizes("--vocab 10");
    assert_eq!(words(&folder.join("m")), [&frequent[..], &["a", "<unk>"]].concat());
    sizes("--vocab 13");
    assert_eq!(words(&folder.join("m")).len(), 13);
    sizes("--vocab 10 --min-count 40");
    assert_eq!(words(&folder.join("m")), [&frequent[..], &["<unk>"]].concat());
    // the words are counted in what is trained on alone
    sizes("--tokens 363 --min-count 2");
    assert_eq!(words(&folder.join("m")), [&frequent[..], &["<unk>"]].concat());
    sizes("--valid-fraction 0.02 --min-count 2");
    assert_eq!(words(&folder.join("m")), [&frequent[..], &["<unk>"]].concat());
}

#[test]
fn a_held_out_part_begins_with_a_line() {
    let folder = with_text("fraction");
    let run = |line: &str| lines(&folder, &format!("{SMALL} --epochs 1 {line}"));
    // 40 lines of 9 tokens
    for (fraction, sizes) in [("0.1", [324, 36]), ("0.9", [36, 324]), ("0.03", [351, 9])] {
        let printed = run(&format!("--valid-fraction {fraction}"));
        let found = format!("{} {}", printed[0], printed[1]);
        let expected = format!("corpus size: {}, vocabulary size: 8 valid size: {}, unknown", sizes[0], sizes[1]);
        assert!(found.starts_with(&expected), "{fraction}: {found}");
    }
    fails(&folder, &format!("{SMALL} --valid-fraction 0.001"), 1, "part of --valid-fraction: fewer than two tokens");
    // as if it were two files
    fs::write(folder.join("b.txt"), SENTENCE.repeat(36)).unwrap();
    fs::write(folder.join("v.txt"), SENTENCE.repeat(4)).unwrap();
    let two = lines(&folder, &format!("{} --epochs 1 --valid v.txt", SMALL.replace("a.txt", "b.txt")));
    assert_eq!(run("--valid-fraction 0.1")[..4], two[..4]);
    // of the tokens that are taken
    assert_eq!(
        run("--valid-fraction 0.1 --tokens 90")[..2],
        ["corpus size: 81, vocabulary size: 8", "valid size: 9, unknown words: 0"]
    );
    // a text of one line
    fs::write(folder.join("a.txt"), SENTENCE.trim_end().repeat(40)).unwrap();
    assert!(run("--valid-fraction 0.5")[0].starts_with("corpus size: "));
}

#[test]
fn a_text_of_ones_own_is_taken_whole_and_a_part_says_so() {
    let folder = folder("whole");
    fs::write(folder.join("a.txt"), SENTENCE.repeat(400)).unwrap();
    fs::create_dir(folder.join("ptb")).unwrap();
    fs::copy(folder.join("a.txt"), folder.join("ptb/ptb.train.txt")).unwrap();
    let whole = lines(&folder, "--data a.txt --epochs 0");
    assert_eq!(whole[0], "corpus size: 3600, vocabulary size: 8");
    assert!(!has(&whole, "--tokens"), "{whole:?}");
    for line in ["--data a.txt --tokens 1000", "--data ptb"] {
        let part = lines(&folder, &format!("{line} --epochs 0"));
        assert_eq!(part[0], "corpus size: 1000, vocabulary size: 8");
        assert!(part.contains(&"the first 1000 of 3600 tokens: --tokens 0 takes all".into()), "{part:?}");
    }
    assert_eq!(lines(&folder, "--data ptb --tokens 0 --epochs 0")[0], "corpus size: 3600, vocabulary size: 8");
}

/// Whoever writes into a pipe that nobody reads any more is told so: the end of an endless text is not waited for.
#[cfg(unix)]
#[test]
fn no_more_is_read_than_a_part_needs() {
    let folder = folder("endless");
    let command = format!("yes 'you say goodbye' | {} --data - --tokens 999 --epochs 1", example("ptb").display());
    let output = Command::new("sh").args(["-c", &command]).current_dir(&folder).output().unwrap();
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(printed.contains("corpus size: 999, vocabulary size: 4\n"), "{printed}");
    assert!(printed.contains("\nthe first 999 tokens: --tokens 0 takes all\n"), "{printed}");
}

#[cfg(unix)]
#[test]
fn standard_input_is_a_text_as_any_other() {
    let folder = with_text("stdin");
    let small = SMALL.replace("a.txt", "-");
    let command = format!("{} {small} --epochs 2 --save p < a.txt", example("ptb").display());
    let output = Command::new("sh").args(["-c", &command]).current_dir(&folder).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    lines(&folder, &format!("{SMALL} --epochs 2 --save m"));
    assert!(fs::read(folder.join("p")).unwrap() == fs::read(folder.join("m")).unwrap());
}

#[test]
fn a_long_text_of_ones_own_has_defaults_of_its_own() {
    let folder = folder("long");
    fs::write(folder.join("a.txt"), SENTENCE.repeat(2300)).unwrap();
    let small = "--data a.txt --hidden 4 --wordvec 4 --save m";
    lines(&folder, &format!("{small} --epochs 1 --valid-fraction 0.01"));
    let file = fs::read(folder.join("m")).unwrap();
    let (config, state) = (Checkpoint::read(&file).unwrap().config(), state(&folder.join("m")));
    assert_eq!((config.batch_size, config.time_size), (10, 20));
    assert_eq!((state.learning_rate, state.max_norm, state.decay), (5.0, 0.25, 2.0));
    // gone on with in another text, its decay rests, and the same text needs its validation
    fs::write(folder.join("b.txt"), "hello and goodbye .\n".repeat(200)).unwrap();
    lines(&folder, "--load m --data b.txt --epochs 2 --save n");
    lines(&folder, "--load n --data b.txt --epochs 3 --save n");
    assert_eq!((self::state(&folder.join("n")).epoch, self::state(&folder.join("n")).learning_rate), (3, 5.0));
    fails(&folder, "--load m --data a.txt --tokens 0 --epochs 2", 1, "--lr-decay 2 needs a text to validate on");
    // a short one the book's
    lines(&folder, &format!("{small} --epochs 1 --tokens 19999"));
    let file = fs::read(folder.join("m")).unwrap();
    let (config, state) = (Checkpoint::read(&file).unwrap().config(), self::state(&folder.join("m")));
    assert_eq!((config.batch_size, config.time_size), (10, 5));
    assert_eq!((state.learning_rate, state.max_norm, state.decay), (0.1, f32::INFINITY, 1.0));
    // at most 10,000 words
    let many: String = (0..12_000).map(|i| format!("w{i} w{} ", i % 9_000)).collect();
    fs::write(folder.join("a.txt"), many).unwrap();
    assert_eq!(lines(&folder, &format!("{small} --epochs 0"))[0], "corpus size: 24000, vocabulary size: 10000");
    assert_eq!(words(&folder.join("m"))[9_999], "<unk>");
    assert_eq!(
        lines(&folder, &format!("{small} --epochs 0 --vocab 0"))[0],
        "corpus size: 24000, vocabulary size: 12000"
    );
}

#[test]
fn a_text_is_tested_at_the_end() {
    let folder = with_text("tested");
    fs::write(folder.join("t.txt"), SENTENCE.repeat(2)).unwrap();
    let printed = lines(&folder, &format!("{SMALL} --epochs 30 --test t.txt"));
    assert_eq!(printed[1], "test size: 18, unknown words: 0");
    let line = printed.iter().find(|line| line.starts_with("test perplexity: ")).unwrap();
    assert!(perplexity(line, "perplexity: ") < 2.0, "{line}");
    fails(&folder, &format!("{SMALL} --epochs 1 --test missing"), 1, "missing: No such file");
    fails(&folder, &format!("{SMALL} --epochs 1 --test t.txt --save t.txt"), 1, "--save and --test name the same file");
}

#[test]
fn raw_text_is_lowered_and_its_punctuation_split_off() {
    let folder = folder("raw");
    fs::write(folder.join("a.txt"), "You say \"Goodbye\", and I say hello...\n".repeat(40)).unwrap();
    fs::write(folder.join("v.txt"), "YOU, and I.\n").unwrap();
    let printed = lines(&folder, &format!("{SMALL} --epochs 1 --valid v.txt --lower --split-punctuation --save m"));
    assert_eq!(words(&folder.join("m")), ["you", "say", "\"", "goodbye", ",", "and", "i", "hello", "...", "<eos>"]);
    assert_eq!(printed[1], "valid size: 6, unknown words: 1 (left out, as the vocabulary has no <unk>)");
    assert!(has(&printed, "the text is read in lower case, punctuation is split off"), "{printed:?}");
    // so are a prompt and the lines of `predict`, where that is asked
    let asked = ["--load", "m", "--epochs", "0", "--quiet", "--generate", "1", "--prompt", "YOU, say\"Goodbye"];
    let flags = ["--lower", "--split-punctuation"];
    let prompted = Command::new(example("ptb")).current_dir(&folder).args(asked).args(flags).output().unwrap();
    assert!(prompted.status.success() && prompted.stderr.is_empty(), "{prompted:?}");
    assert!(text(&prompted.stdout).starts_with("you , say \" goodbye"), "{prompted:?}");
    let told = |flags: &str| text(&predict(&folder, &format!("--load m {flags}"), b"YOU, say\n").stdout);
    assert!(told("--lower --split-punctuation").starts_with("you , say ...\n"), "{}", told("--lower"));
    assert!(!told("--lower --split-punctuation").contains("not in the vocabulary"));
    assert!(told("--lower").starts_with("you, say ...\n  not in the vocabulary: you,"), "{}", told("--lower"));
    assert!(told("").contains("not in the vocabulary: YOU,"), "{}", told(""));
    // goes on only where it reads the same
    lines(&folder, "--load m --data a.txt --lower --split-punctuation --epochs 2 --save m");
    assert_eq!(state(&folder.join("m")).epoch, 2);
    lines(&folder, &format!("{SMALL} --epochs 1 --save m"));
    assert_eq!(words(&folder.join("m"))[2], "\"Goodbye\",");
}

#[test]
fn a_model_goes_on_with_another_text_in_its_own_words() {
    let folder = folder("tune");
    fs::write(folder.join("a.txt"), "the pump starts now\n".repeat(40)).unwrap();
    fs::write(folder.join("b.txt"), "now the pump starts\n".repeat(40)).unwrap();
    fs::write(folder.join("c.txt"), "now the fan starts\n".repeat(30)).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 20 --save m"));
    let judged = |model: &str| {
        let lines = lines(&folder, &format!("--load {model} --epochs 0 --valid b.txt"));
        perplexity(lines.iter().find(|line| line.starts_with("valid perplexity: ")).unwrap(), "perplexity: ")
    };
    let tuned = lines(&folder, "--load m --data b.txt --epochs 40 --save n");
    assert!(has(&tuned, "the text has the words of m in another order: they keep its ids"), "{tuned:?}");
    assert!(has(&tuned, "| epoch 21 |") && has(&tuned, "| epoch 40 |") && !has(&tuned, "| epoch 20 |"), "{tuned:?}");
    assert_eq!(words(&folder.join("n")), words(&folder.join("m")));
    let [before, after] = ["m", "n"].map(judged);
    assert!(before > 3.0 && after < 1.2, "{before} {after}");

    // of other words and another length: left out, or <unk>
    let other = lines(&folder, "--load m --data c.txt --epochs 21 --save n");
    assert!(has(&other, "30 of 150 tokens are no words of m: left out"), "{other:?}");
    let anew = "reading and the hidden state start anew, as the text is another";
    assert!(has(&other, &format!("loaded m at epoch 20; {anew}")), "{other:?}");
    fs::write(folder.join("a.txt"), format!("{}rare\n", "the pump starts now\n".repeat(40))).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 20 --save u --min-count 2"));
    let other = lines(&folder, "--load u --data c.txt --epochs 21");
    assert!(has(&other, "30 of 150 tokens are no words of u: read as <unk>"), "{other:?}");
    // where no epochs are named, as many as usual are added, however many there were, and of any length
    for (model, text, last) in [("n", "b.txt", 121), ("m", "b.txt", 120), ("more", "a.txt", 220)] {
        let more = lines(&folder, &format!("--load {model} --data {text} --save more"));
        assert!(
            has(&more, &format!("| epoch {last} |")) && !has(&more, &format!("| epoch {} |", last + 1)),
            "{more:?}"
        );
    }
    // nothing is tuned by accident: no text is named
    fails(&folder, "--load n --epochs 50", 1, "another vocabulary (435 words) than n (5)");
}

#[test]
fn the_hidden_state_starts_anew_in_another_text() {
    let folder = with_text("hidden");
    fs::write(folder.join("b.txt"), "hello i say and you\n".repeat(50)).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 3 --save m"));
    let (mut model, state, vocabulary) =
        Checkpoint::read(&fs::read(folder.join("m")).unwrap()).unwrap().restore().unwrap();
    assert!(model.state().iter().any(|&h| h != 0.0));
    model.reset_state();
    fs::write(folder.join("zero"), Checkpoint::to_vec(&model, &state, &vocabulary).unwrap()).unwrap();
    for (model, tuned) in [("m", "n"), ("zero", "o")] {
        lines(&folder, &format!("--load {model} --data b.txt --epochs 4 --save {tuned}"));
    }
    assert!(fs::read(folder.join("n")).unwrap() == fs::read(folder.join("o")).unwrap());
}

#[test]
fn what_is_tuned_goes_on_exactly() {
    let folder = with_text("tuned_exactly");
    fs::write(folder.join("b.txt"), "hello i say and you say goodbye\n\n".repeat(57)).unwrap();
    fs::write(folder.join("v.txt"), "hello i say\n".repeat(5)).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 3 --valid v.txt --lr-decay 3 --save m"));
    let best = state(&folder.join("m")).best_loss;
    assert!(best.is_finite());
    let tune = "--data b.txt --batch 3 --time 5 --valid v.txt";
    lines(&folder, &format!("--load m {tune} --epochs 8 --save whole"));
    lines(&folder, &format!("--load m {tune} --epochs 5 --save part"));
    let rest = lines(&folder, "--load part --data b.txt --valid v.txt --epochs 8 --save part");
    assert!(rest.iter().any(|line| line == "loaded part at epoch 5"), "{rest:?}");
    assert!(fs::read(folder.join("whole")).unwrap() == fs::read(folder.join("part")).unwrap());
    // the best of another text is none
    fs::write(folder.join("hard.txt"), "hello hello and goodbye . say\n".repeat(5)).unwrap();
    lines(&folder, "--load m --data b.txt --valid hard.txt --epochs 4 --save n");
    assert!(state(&folder.join("n")).best_loss > best);
    // with rare words merged and a part held out, too
    fs::write(folder.join("a.txt"), format!("{}one two\n{}", SENTENCE.repeat(20), SENTENCE.repeat(20))).unwrap();
    let own = format!("{SMALL} --min-count 2 --valid-fraction 0.2 --lr-decay 2");
    lines(&folder, &format!("{own} --epochs 6 --save whole"));
    lines(&folder, &format!("{own} --epochs 4 --save part"));
    lines(&folder, "--load part --data a.txt --valid-fraction 0.2 --epochs 6 --save part");
    assert!(fs::read(folder.join("whole")).unwrap() == fs::read(folder.join("part")).unwrap());
    // without the held-out part it is another length
    fails(&folder, "--load part --data a.txt --valid v.txt --epochs 7", 1, "of another length");
}

#[test]
fn other_sizes_of_windows_start_anew_and_say_so() {
    let folder = with_text("windows");
    lines(&folder, &format!("{SMALL} --epochs 3 --save m"));
    for flags in ["--batch 3", "--time 7", "--batch 5 --time 3"] {
        let printed = lines(&folder, &format!("--load m --data a.txt {flags} --epochs 5 --save n"));
        let anew =
            "loaded m at epoch 3; reading and the hidden state start anew, as --batch, --time or --tokens is another";
        assert!(has(&printed, anew) && has(&printed, "| epoch 4 |"), "{printed:?}");
        // and go on exactly from there
        lines(&folder, &format!("--load m --data a.txt {flags} --epochs 4 --save o"));
        lines(&folder, "--load o --data a.txt --epochs 5 --save o");
        assert!(fs::read(folder.join("n")).unwrap() == fs::read(folder.join("o")).unwrap(), "{flags}");
    }
}

/// A file of the six weights alone, of a model with one of each size and so many words.
fn bare(words: usize) -> Vec<u8> {
    let (mut header, mut end) = (String::new(), 0);
    let v = words.to_string();
    for (name, shape, len) in [
        ("embed.W", format!("{v},1"), words),
        ("rnn.Wx", "1,1".into(), 1),
        ("rnn.Wh", "1,1".into(), 1),
        ("rnn.b", "1".into(), 1),
        ("affine.W", format!("1,{v}"), words),
        ("affine.b", v.clone(), words),
    ] {
        let (begin, comma) = (end, if end == 0 { "{" } else { "," });
        end += 4 * len;
        header += &format!(r#"{comma}"{name}":{{"dtype":"F32","shape":[{shape}],"data_offsets":[{begin},{end}]}}"#);
    }
    header += "}";
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; end]].concat()
}

#[test]
fn bare_weights_get_their_words_from_a_list() {
    let folder = with_text("list");
    fs::write(folder.join("bare"), bare(9)).unwrap();
    // by frequency, as other programs number them, and with a word that the text lacks
    let list = ["say", "<eos>", ".", "you", "i", "hello", "goodbye", "and", "yes"];
    fs::write(folder.join("words.txt"), list.join("\r\n")).unwrap();
    let printed = lines(&folder, "--load bare --vocabulary words.txt --data a.txt --epochs 0 --save m");
    assert_eq!(printed[0], "corpus size: 360, vocabulary size: 9");
    assert_eq!(words(&folder.join("m")), list);
    // the list alone is enough
    fs::write(folder.join("two"), bare(2)).unwrap();
    fs::write(folder.join("two.txt"), "나는\n너는\n").unwrap();
    lines(&folder, "--load two --vocabulary two.txt --epochs 0 --save n");
    assert_eq!(words(&folder.join("n")), ["나는", "너는"]);
    // the text alone would number them otherwise, and has another number of them
    let part = "another vocabulary (8 words) than bare (9), which has no words of its own: name them by --vocabulary";
    fails(&folder, "--load bare --data a.txt --epochs 0", 1, part);
    fs::write(folder.join("short.txt"), "you\nsay\n").unwrap();
    let part = "short.txt has 2 words, bare 9: name the list that belongs to it";
    fails(&folder, "--load bare --vocabulary short.txt --data a.txt --epochs 0", 1, part);
    fs::write(folder.join("twice.txt"), "you\nsay\nyou\n").unwrap();
    fails(&folder, "--load bare --vocabulary twice.txt --data a.txt", 1, "twice.txt: word 2");
    fails(&folder, "--load bare --vocabulary missing.txt --data a.txt", 1, "missing.txt: No such file");
    // from the start in these words; what they lack is left out
    let printed = lines(&folder, &format!("{SMALL} --vocabulary short.txt --epochs 1 --save n"));
    assert_eq!(printed[0], "corpus size: 120, vocabulary size: 2");
    assert!(has(&printed, "240 of 360 tokens are no words of short.txt: left out"), "{printed:?}");
    assert_eq!(words(&folder.join("n")), ["you", "say"]);
}

#[test]
fn files_of_pytorch_are_told_how_to_come_in() {
    let folder = with_text("pytorch");
    fs::write(folder.join("m.pt"), b"PK\x03\x04\0\0\x08\x08\0\0archive/data.pkl").unwrap();
    fs::write(folder.join("old.pt"), b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.").unwrap();
    let header = r#"{"rnn.weight_ih_l0":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let tensors = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 4]].concat();
    fs::write(folder.join("state_dict"), tensors).unwrap();
    let convert = "python3 examples/python/convert.py to-rnnlm";
    for (file, part) in [
        ("m.pt", "m.pt: not a safetensors file, but one of PyTorch (or a zip): convert its state_dict by"),
        ("old.pt", "old.pt: not a safetensors file: name one of ptb --save; a state_dict of PyTorch"),
        ("a.txt", "a.txt: not a safetensors file: name one of ptb --save"),
        ("state_dict", "its name is \"rnn.weight_ih_l0\"; a state_dict of PyTorch is converted by"),
    ] {
        for output in
            [run(&folder, &format!("--data a.txt --load {file}")), predict(&folder, &format!("--load {file}"), b"")]
        {
            let message = text(&output.stderr);
            assert_eq!((output.status.code(), message.lines().count()), (Some(1), 1), "{message}");
            assert!(message.contains(part) && message.contains(convert), "{message}");
        }
    }
}

/// Texts of the kinds that users have, raw.
fn raw(kind: &str, lines: usize, seed: u64) -> String {
    let mut rng = Xorshift::new(seed);
    let mut pick = |words: &[&str]| words[rng.below(words.len() as u32) as usize].to_owned();
    let mut text = String::new();
    for i in 0..lines {
        if i % 9 == 0 {
            text += &format!("only{i} ");
        }
        text += &match kind {
            "english" => {
                let (who, what) =
                    (pick(&["The pump", "A \"valve\"", "She", "Nobody"]), pick(&["starts", "stops", "isn't"]));
                format!(
                    "{who} {what} {}, {}{}\n",
                    pick(&["now", "later", "there"]),
                    pick(&["he said", "at 10:30", "3.5%"]),
                    pick(&[".", "!", "..."])
                )
            }
            "korean" => {
                let who = pick(&["나는", "너는", "그녀는", "펌프가", "밸브가"]);
                format!("{who} {} {}.\n", pick(&["오늘", "어제", "천천히"]), pick(&["멈춘다", "움직인다", "말한다"]))
            }
            "source" => {
                let name = pick(&["count", "sum", "x_1"]);
                format!(
                    "    let {name} = {}({}, {i});\n{}",
                    pick(&["f", "g", "max"]),
                    pick(&["a", "b[0]"]),
                    pick(&["", "\n", "}\r\n", "\t// done\n"])
                )
            }
            _ => {
                let level = pick(&["INFO", "WARN", "ERROR"]);
                format!(
                    "2026-11-30T12:{:02}:{:02}Z {level} [{}] id={i:08x} {}\n",
                    i / 60 % 60,
                    i % 60,
                    pick(&["db", "net"]),
                    pick(&["ok", "timeout after 30 s", "retry"])
                )
            }
        };
    }
    text
}

/// The commands of `examples/own_text.md`, without those of Python.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let joined = blocks.map(|block| block.replace("\\\n", "")).collect::<String>();
    joined.lines().filter(|line| !line.starts_with("python3 ")).map(String::from).collect()
}

/// By the words of that page alone: trained, validated, kept, resumed, tuned, continued, scored.
#[test]
fn texts_of_every_kind_go_the_way_of_the_guide() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/own_text.md");
    let commands = commands(&fs::read_to_string(page).unwrap());
    assert_eq!(commands.len(), 7);
    for kind in ["english", "korean", "source", "log"] {
        let folder = folder(&format!("kind_{kind}"));
        fs::write(folder.join("my.txt"), raw(kind, 100, 7)).unwrap();
        fs::write(folder.join("other.txt"), raw(kind, 30, 8)).unwrap();
        let printed: Vec<String> = commands.iter().map(|command| output(&folder, command)).collect();
        let epochs =
            |at: usize| -> Vec<&str> { printed[at].lines().filter(|line| line.starts_with("| epoch ")).collect() };
        let valid = |line: &str| perplexity(line, "| valid ");
        assert_eq!((epochs(0).len(), epochs(1).len(), epochs(2).len()), (100, 20, 100), "{kind}");
        assert!(valid(epochs(0)[99]) < 0.5 * valid(epochs(0)[0]), "{kind}: {}", printed[0]);
        let told = printed[0].lines().find(|line| line.starts_with("valid size: ")).unwrap();
        assert!(!told.ends_with("unknown words: 0"), "{kind}: {told}");
        assert!(printed[1].contains("\nloaded my.safetensors at epoch 100\n"), "{kind}: {}", printed[1]);
        assert!(printed[2].contains(" start anew, as the text is another"), "{kind}: {}", printed[2]);
        assert!(perplexity(printed[3].split("test perplexity").nth(1).unwrap(), ": ") < 60.0, "{kind}: {}", printed[3]);
        assert_eq!(printed[4].matches('%').count(), 3, "{kind}: {}", printed[4]);
        assert!(printed[5].split_whitespace().count() >= 12, "{kind}: {}", printed[5]);
        assert!(printed[6].contains("log-likelihood -"), "{kind}: {}", printed[6]);
        // the run in two parts is one
        let whole = commands[0].replace("--save my.safetensors", "--epochs 120 --save whole");
        output(&folder, &whole);
        assert!(fs::read(folder.join("whole")).unwrap() == fs::read(folder.join("my.safetensors")).unwrap(), "{kind}");
    }
}
