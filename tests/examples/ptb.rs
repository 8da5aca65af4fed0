//! Promise: the example `ptb` does what its command line says: the flags, the lines it prints, its files and its exit
//! codes.

use std::{fs, process::Command};

use crate::example::{SENTENCE, SMALL, assert_harmless, example, fails, folder, lines, run, text, with_text};

#[test]
fn help_lists_every_flag() {
    let help = lines(&folder("help"), "--help").join("\n");
    for flag in
        "data valid valid-fraction test tokens min-count vocab vocabulary lower split-punctuation epochs wordvec \
                 hidden cell batch time lr clip lr-decay decay-from patience seed isa load save save-every save-best \
                 quantize csv plot generate prompt temperature top log-every threads quiet help version"
            .split_whitespace()
    {
        assert!(help.contains(&format!("\n  --{flag} ")), "{flag}");
    }
    assert!(help.contains("Ctrl-C"));
}

#[test]
fn a_run_prints_its_lines() {
    let lines = lines(&with_text("lines"), &format!("{SMALL} --epochs 3"));
    assert_eq!(lines[0], "corpus size: 360, vocabulary size: 8");
    assert_eq!(lines[1].split(',').next(), Some("272 parameters"));
    for (epoch, line) in (1..=3).zip(&lines[2..]) {
        let perplexity = line.strip_prefix(&format!("| epoch {epoch} | perplexity ")).unwrap();
        let perplexity = perplexity.strip_suffix(" | lr 0.5").unwrap();
        assert!((1.0..9.0).contains(&perplexity.parse::<f32>().unwrap()), "{line}");
    }
    let rate = lines[5].strip_prefix("steps/s: ").unwrap();
    assert!(rate.parse::<f64>().unwrap() > 0.0 && lines.len() == 6, "{lines:?}");
}

#[test]
fn quiet_prints_how_it_ended() {
    let folder = with_text("quiet");
    let all = lines(&folder, &format!("{SMALL} --epochs 2 --valid a.txt"));
    let quiet = lines(&folder, &format!("{SMALL} --epochs 2 --valid a.txt --quiet --save m"));
    assert!(quiet.len() == 2 && quiet[1].starts_with("steps/s: "), "{quiet:?}");
    assert!(quiet[0].starts_with("| epoch 2 | perplexity ") && all.contains(&quiet[0]), "{quiet:?}");
    // without training it is the judgement
    let quiet = lines(&folder, "--load m --epochs 0 --valid a.txt --quiet");
    assert!(quiet.len() == 2 && quiet[0].starts_with("valid perplexity: "), "{quiet:?}");
}

#[test]
fn the_defaults_are_the_books_experiment() {
    let folder = folder("defaults");
    fs::create_dir(folder.join("data")).unwrap();
    fs::write(folder.join("data/ptb.train.txt"), SENTENCE.repeat(200)).unwrap();
    let lines = lines(&folder, "--epochs 1");
    // V = 8, D = H = 100
    assert_eq!(lines[0], "corpus size: 1000, vocabulary size: 8");
    assert!(lines[1].starts_with("21708 parameters,"), "{}", lines[1]);
}

#[test]
fn a_folder_is_validated_and_tested() {
    let folder = folder("held_out");
    fs::write(folder.join("ptb.train.txt"), format!("{}<unk>\n", SENTENCE.repeat(40))).unwrap();
    fs::write(folder.join("ptb.valid.txt"), SENTENCE.repeat(3)).unwrap();
    fs::write(folder.join("ptb.test.txt"), "you say yes and i say no .\n".repeat(2)).unwrap();
    let small = SMALL.replace("a.txt", ".");
    let lines_of = |line: &str| lines(&folder, &format!("{small} {line}"));
    let lines = lines_of("--epochs 2 --csv out.csv");
    assert_eq!(lines[1..3], ["valid size: 27, unknown words: 0", "test size: 18, unknown words: 4"]);
    assert!(lines[4].starts_with("| epoch 1 | perplexity ") && lines[4].contains(" | valid "), "{lines:?}");
    assert!(lines[6].starts_with("valid recall at 1, 3, 5, 10: "), "{lines:?}");
    assert!(lines[7].starts_with("test perplexity: ") && lines[8].starts_with("test recall at "), "{lines:?}");
    assert!(lines[9].starts_with("steps/s: ") && lines.len() == 10, "{lines:?}");
    let csv = fs::read_to_string(folder.join("out.csv")).unwrap();
    assert_eq!(csv.lines().next(), Some("epoch,perplexity,valid,lr"));
    for (row, line) in csv.lines().skip(1).zip(&lines[4..6]) {
        let values: Vec<f32> = row.split(',').map(|value| value.parse().unwrap()).collect();
        let [epoch, train, valid, rate] = values[..] else { panic!("{csv}") };
        assert_eq!(*line, format!("| epoch {epoch} | perplexity {train:.2} | valid {valid:.2} | lr {rate}"));
    }
    // without an epoch: the untrained model is evaluated
    let lines = lines_of("--epochs 0");
    let valid: f32 = lines[4].strip_prefix("valid perplexity: ").unwrap().parse().unwrap();
    assert!((valid - 10.0).abs() < 1.5 && lines.last().unwrap() == "steps/s: 0.0", "{lines:?}");
}

#[test]
fn the_csv_has_the_bits_of_the_run_on_every_instruction_set() {
    let folder = with_text("csv");
    fs::write(folder.join("old.csv"), "old").unwrap();
    let mut files = Vec::new();
    for isa in rnnlm::Isa::available() {
        lines(&folder, &format!("{SMALL} --epochs 4 --csv old.csv --isa {}", isa.name()));
        files.push(fs::read_to_string(folder.join("old.csv")).unwrap());
    }
    assert!(files.iter().all(|file| *file == files[0]));
    let mut rows = files[0].lines();
    assert_eq!(rows.next(), Some("epoch,perplexity,lr"));
    let values: Vec<f32> = rows.map(|row| row.split(',').nth(1).unwrap().parse().unwrap()).collect();
    assert_eq!(values.len(), 4);
    // printed so that they round-trip
    assert!(values.iter().enumerate().all(|(i, v)| files[0].contains(&format!("\n{},{v},0.5\n", i + 1))));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2, "a temporary file was left behind");
}

#[test]
fn perplexity_is_told_with_and_without_unknown_words() {
    let folder = folder("unknown");
    fs::write(folder.join("ptb.train.txt"), format!("{}<unk>\n", SENTENCE.repeat(40))).unwrap();
    fs::write(folder.join("ptb.test.txt"), "you say yes and i say no .\n".repeat(2)).unwrap();
    fs::write(folder.join("v.txt"), "and i say hello <unk> .\n").unwrap();
    let small = SMALL.replace("a.txt", ".");
    let lines = lines(&folder, &format!("{small} --epochs 2 --valid v.txt"));
    assert_eq!(lines[1..3], ["valid size: 7, unknown words: 0", "test size: 18, unknown words: 4"]);
    let values = |line: &str, name: &str, counts: &str| -> [f64; 2] {
        let rest = line.strip_prefix(name).unwrap_or_else(|| panic!("{line}"));
        let (with, rest) = rest.split_once(" (").unwrap();
        let (without, rest) = rest.split_once(" without <unk>, which ").unwrap();
        assert_eq!(rest, format!("{counts} tokens are)"));
        [with, without].map(|value| value.parse().unwrap())
    };
    values(&lines[6], "valid perplexity: ", "1 of 6");
    // <unk> was seen once in 362 tokens
    let [with, without] = values(&lines[8], "test perplexity: ", "4 of 17");
    assert!(with > 1.5 * without && without > 1.0, "{lines:?}");
}

#[test]
fn the_plot_has_the_values_of_the_csv() {
    let folder = with_text("plot");
    let lines = lines(&folder, &format!("{SMALL} --epochs 7 --valid a.txt --plot p.svg --csv p.csv"));
    let svg = fs::read_to_string(folder.join("p.svg")).unwrap();
    for row in fs::read_to_string(folder.join("p.csv")).unwrap().lines().skip(1) {
        let [epoch, train, valid, "0.5"] = row.split(',').collect::<Vec<_>>()[..] else { panic!("{row}") };
        for (name, value) in [("training", train), ("validation", valid)] {
            let point = format!("<title>{name}, epoch {epoch}: {:.2}</title>", value.parse::<f64>().unwrap());
            assert!(svg.contains(&point), "{point}");
        }
    }
    assert_eq!(svg.matches("<circle").count(), 14);
    assert_eq!(lines.len(), 12);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
}

#[test]
fn the_built_in_text_serves_where_no_other_is() {
    let lines = lines(&folder("built_in"), "--epochs 1 --tokens 2000 --hidden 16 --wordvec 16");
    assert!(lines[0].contains("sh examples/ptb-data.sh"), "{}", lines[0]);
    assert!(lines[1].starts_with("corpus size: 2000, vocabulary size: 4"), "{}", lines[1]);
    assert!(lines.iter().any(|line| line.starts_with("best reachable perplexity: 11.0")), "{lines:?}");
}

#[test]
fn bad_command_lines_exit_with_2() {
    let folder = with_text("bad_lines");
    for line in [
        "--frobnicate 3",
        "a.txt",
        "--epochs",
        "--epochs x",
        "--epochs=-1",
        "--lr nan",
        "--lr=0",
        "--hidden 0",
        "--isa abacus",
        "--quiet=1",
        "--clip 0",
        "--lr-decay 0.9",
        "--save-every 0",
        "--valid-fraction 1.5",
        "--valid a.txt --valid-fraction 0.5",
        "--generate=-1",
        "--temperature nan",
    ] {
        fails(&folder, line, 2, "");
    }
}

#[test]
fn what_stops_a_run_exits_with_1() {
    let folder = with_text("bad_runs");
    fs::write(folder.join("latin1.txt"), b"caf\xe9 au lait").unwrap();
    fs::write(folder.join("short.txt"), "one two three").unwrap();
    fs::write(folder.join("empty.txt"), "").unwrap();
    fs::create_dir(folder.join("nothing")).unwrap();
    fs::create_dir(folder.join("one_word")).unwrap();
    fs::create_dir_all(folder.join("held_out/ptb.test.txt")).unwrap();
    fs::write(folder.join("held_out/ptb.train.txt"), SENTENCE.repeat(40)).unwrap();
    fs::write(folder.join("one_word/ptb.train.txt"), SENTENCE.repeat(40)).unwrap();
    fs::write(folder.join("one_word/ptb.valid.txt"), "you").unwrap();
    // what this target can count, and numbers whose product is one more
    let (most, root) = (usize::MAX, 1_usize << (usize::BITS / 2));
    for (line, part) in [
        ("--data missing.txt", "missing.txt"),
        ("--data nothing", "ptb.train.txt"),
        ("--data latin1.txt", "not UTF-8 at byte 3"),
        ("--data short.txt", "3 tokens, 51 are needed"),
        ("--data empty.txt", "0 tokens"),
        ("--data a.txt --hidden 1000000000", "memory"),
        (&*format!("--data a.txt --hidden {most}"), "memory"),
        (&*format!("--data a.txt --batch {root} --time {root}"), "--batch times --time"),
        ("--data a.txt --csv nowhere/out.csv", "nowhere/out.csv"),
        ("--data a.txt --csv nothing", "directory"),
        ("--data a.txt --csv a.txt/", "a.txt/"),
        ("--data a.txt --csv ./a.txt", "same file"),
        (&*format!("--tokens {most}"), "10000000 tokens"),
        ("--data one_word", "ptb.valid.txt: fewer than two tokens"),
        ("--data a.txt --lr 3e38 --csv out.csv", "weights were left as they were"),
        ("--isa neon --data a.txt", "instruction set"),
        ("--data a.txt --save nowhere/m", "nowhere/m: can't be written"),
        ("--data a.txt --plot nothing", "directory"),
        ("--data a.txt --save-best nothing/", "nothing/: can't be written"),
        ("--data a.txt --save a.txt", "same file"),
        ("--data a.txt --save m --csv ./m", "--save and --csv name the same file"),
        ("--data a.txt --plot m --save-best nothing/../m", "--save-best and --plot name the same file"),
        ("--data one_word --save one_word/ptb.valid.txt", "same file"),
        ("--data a.txt --valid short.txt --csv short.txt", "same file"),
        ("--data a.txt --save-every 2", "needs a file to save to"),
        ("--data a.txt --save-best m", "--save-best needs a text to validate on"),
        ("--data a.txt --lr-decay 4", "--lr-decay 4 needs a text to validate on"),
        ("--data a.txt --decay-from 4", "--decay-from divides by nothing: name --lr-decay too"),
        ("--data a.txt --valid missing.txt", "missing.txt"),
        ("--data a.txt --valid nothing", "nothing: Is a directory"),
        ("--data held_out", "ptb.test.txt: Is a directory"),
        ("--data a.txt --load missing", "missing: No such file"),
    ] {
        let is_here = line.contains("neon") && rnnlm::Isa::by_name("neon").is_ok();
        if !is_here {
            fails(&folder, line, 1, part);
        }
    }
}

#[test]
fn a_run_that_diverges_says_so_and_keeps_the_sound_epochs() {
    let folder = with_text("diverged");
    let small = SMALL.replace(" --lr 0.5", "");
    for (flags, advice) in [
        ("--lr 1e30", "lower --lr (now 1e30), or limit the gradients by --clip 0.25"),
        ("--lr 50", "lower --lr (now 50.0), or limit the gradients by --clip 0.25"),
        ("--lr 3e38", "lower --lr (now 3e38), or limit"),
        ("--lr 1e9 --clip 5", "lower --lr (now 1000000000.0), or --clip (now 5.0)"),
        ("--lr 1e20 --valid a.txt --lr-decay 4", "lower --lr (now 1e20), or limit"),
    ] {
        let output = run(&folder, &format!("{small} --epochs 5 --save m --save-every 1 {flags}"));
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{flags}: {output:?}");
        assert!(message.starts_with("ptb: the run diverged in epoch 1, ") && message.contains(advice), "{message}");
        assert_eq!((message.lines().count(), text(&output.stdout).contains("steps/s: ")), (1, false), "{output:?}");
        assert!(!folder.join("m").exists(), "{flags}");
    }
    // four epochs of one step each are sound
    let sound = format!("{small} --tokens 9 --lr 14 --valid a.txt");
    lines(&folder, &format!("{sound} --epochs 4 --save four"));
    let output = run(&folder, &format!("{sound} --epochs 9 --save m --save-every 1 --csv c.csv --plot p.svg"));
    let message = text(&output.stderr);
    assert!(
        output.status.code() == Some(1) && message.contains("diverged in epoch 5, its perplexity is 1.4e7"),
        "{message}"
    );
    assert!(fs::read(folder.join("m")).unwrap() == fs::read(folder.join("four")).unwrap());
    let csv = fs::read_to_string(folder.join("c.csv")).unwrap();
    assert!(csv.lines().count() == 6 && csv.lines().all(|line| line.split(',').count() == 4), "{csv}");
    assert!(csv.lines().last().unwrap().starts_with("5,14399200,"), "{csv}");
    assert!(fs::read_to_string(folder.join("p.svg")).unwrap().contains("training, epoch 5: "));
    // a run that diverges in its first step leaves the curve that is there
    let output = run(&folder, &format!("{small} --lr 3e38 --csv c.csv"));
    assert_eq!((output.status.code(), fs::read_to_string(folder.join("c.csv")).unwrap()), (Some(1), csv));
}

#[cfg(unix)]
#[test]
fn pipes_and_sockets_are_refused_and_never_waited_for() {
    use crate::example::{pipe, run_or_kill};
    let folder = with_text("pipes");
    pipe(&folder.join("pipe"));
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
    for flag in ["--csv", "--plot", "--save", "--save-best"] {
        for target in ["pipe", "socket"] {
            let output = run_or_kill(&folder, &format!("{SMALL} --epochs 1 --valid a.txt {flag} {target}"));
            let message = text(&output.stderr);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0), "{output:?}");
            assert!(
                message.starts_with(&format!("ptb: {target}: can't be written: is a pipe, a socket or a ")),
                "{message}"
            );
        }
    }
    // beside the target, under names of temporary files
    for name in ["m.1.partial", "m.0123456789abcdef.partial"] {
        pipe(&folder.join(name));
    }
    let output = run_or_kill(&folder, &format!("{SMALL} --epochs 1 --save m"));
    assert!(output.status.success() && folder.join("m").is_file(), "{output:?}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 6);
}

/// What a device takes is gone, and no file is put in its place.
#[cfg(target_os = "linux")]
#[test]
fn a_device_is_written_as_it_stands() {
    use std::os::unix::fs::FileTypeExt;
    let folder = with_text("devices");
    let nothing = run(&folder, &format!("{SMALL} --epochs 1 --save /dev/null"));
    assert!(nothing.status.success(), "{nothing:?}");
    // the model can't be kept, the curve can
    let full = run(&folder, &format!("{SMALL} --epochs 5 --save /dev/full --save-every 3 --csv c.csv"));
    let message = text(&full.stderr);
    assert_eq!(full.status.code(), Some(1), "{full:?}");
    assert!(message.contains("/dev/full: No space left on device"), "{message}");
    assert_eq!(fs::read_to_string(folder.join("c.csv")).unwrap().lines().count(), 6);
    for device in ["/dev/null", "/dev/full"] {
        assert!(fs::metadata(device).unwrap().file_type().is_char_device(), "{device}");
    }
}

#[cfg(unix)]
#[test]
fn names_of_files_do_not_drive_the_terminal() {
    let folder = with_text("names");
    let bad = "a\u{1b}]0;x\u{7}\nb\u{9b}2J\u{202e}c";
    let shown = r"a\u{1b}]0;x\u{7}\u{a}b\u{9b}2J\u{202e}c";
    fs::create_dir(folder.join(format!("{bad}folder"))).unwrap();
    fs::write(folder.join(format!("{bad}short")), "you").unwrap();
    fs::write(folder.join(format!("{bad}latin1")), b"caf\xe9").unwrap();
    let run = |line: &str| {
        let arguments = line.split(' ').map(|argument| argument.replace('@', bad));
        let output = Command::new(example("ptb")).current_dir(&folder).args(arguments).output().unwrap();
        assert_harmless(&output);
        output
    };
    for line in [
        "--data @",
        "--data @folder",
        "--data @latin1",
        "--data a.txt --valid @short",
        "--data a.txt --load @",
        "--data a.txt --load @short",
        "--data a.txt --csv @folder",
        "--data a.txt --save @/m",
        "@",
        "--@",
        "--epochs @",
        "--isa @",
    ] {
        let output = run(line);
        let message = text(&output.stderr);
        assert!(!output.status.success() && message.contains(r"\u{1b}]0;x\u{7}"), "{line}: {output:?}");
        assert_eq!(message.lines().count(), 1, "{line}: {message}");
    }
    assert!(run(&format!("{SMALL} --tokens 200 --epochs 1 --save @")).status.success());
    let output = run("--data a.txt --tokens 200 --load @ --epochs 2");
    let loaded = format!("loaded {shown} at epoch 1");
    assert!(output.status.success() && text(&output.stdout).contains(&loaded), "{output:?}");
    for line in ["--data a.txt --load @ --hidden 9", "--load @ --epochs 5", "--data a.txt --load @ --epochs 5"] {
        let output = run(line);
        assert!(output.status.code() == Some(1) && text(&output.stderr).contains(shown), "{line}: {output:?}");
    }
}

/// Also where they have much to do: 700 rows of 601 logits.
#[test]
fn any_number_of_threads_trains_the_same_model() {
    let folder = folder("threads");
    let words: Vec<String> = (0..4000_u32).map(|i| format!("w{}", i.wrapping_mul(i + 7) % 601)).collect();
    fs::write(folder.join("ptb.train.txt"), words.join(" ")).unwrap();
    let run = |threads: u32| {
        let sizes = "--data . --tokens 0 --epochs 2 --batch 20 --time 35 --hidden 64 --clip 1";
        let line = format!("{sizes} --save {threads} --threads {threads}");
        (lines(&folder, &line), fs::read(folder.join(threads.to_string())).unwrap())
    };
    let (one, two) = (run(1), run(2));
    assert!(one.0[1].ends_with(" instructions") && two.0[1].ends_with(" instructions, 2 threads"), "{}", two.0[1]);
    assert_eq!(one.1, two.1);
    assert_eq!(one.0[2..4], two.0[2..4]);
    fails(&folder, "--data . --threads 70000", 1, "name fewer by --threads");
}

#[test]
fn seed_and_instruction_set_are_obeyed() {
    let folder = with_text("obeyed");
    let run = |line: &str| lines(&folder, &format!("{SMALL} --epochs 1 {line}"));
    assert!(run("--isa portable")[1].ends_with(", portable instructions"));
    assert_ne!(run("--seed 1")[2], run("--seed 2")[2]);
    assert_eq!(run("--seed 1")[2], run("")[2]);
    // a byte order mark is no part of the first word
    fs::write(folder.join("a.txt"), format!("\u{feff}{}", SENTENCE.repeat(40))).unwrap();
    assert_eq!(run("")[0], "corpus size: 360, vocabulary size: 8");
}

#[cfg(target_os = "linux")]
#[test]
fn nobody_to_tell_the_error_is_no_panic() {
    let command = format!("{} --frobnicate 2>/dev/full", example("ptb").display());
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_panic() {
    let folder = with_text("pipe");
    let command = format!("{} {SMALL} --epochs 50 | head -n 1", example("ptb").display());
    let output = Command::new("sh").current_dir(&folder).args(["-c", &command]).output().unwrap();
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert!(!text(&output.stderr).contains("panicked"), "{output:?}");
}
