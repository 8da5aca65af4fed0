//! Promise: what the example saves is worth having. A run goes on exactly where it stopped, a flag that contradicts the
//! file is refused, and a kill at any moment leaves a file that loads.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rnnlm::{Checkpoint, Isa, TrainingState, Xorshift};

use crate::example::{SENTENCE, SMALL, example, fails, folder, lines, with_text};
#[cfg(unix)]
use crate::example::{pipe, start};

/// The training state in a file.
fn state(file: &Path) -> TrainingState {
    Checkpoint::read(&fs::read(file).unwrap()).unwrap().training().unwrap()
}

fn assert_same_files(folder: &Path, [a, b]: [&str; 2]) {
    assert!(fs::read(folder.join(a)).unwrap() == fs::read(folder.join(b)).unwrap(), "{a} and {b} differ");
}

#[test]
fn a_run_in_two_parts_ends_as_one_that_never_stopped() {
    let folder = folder("two_parts");
    let run = |line: &str| {
        let built_in = "--tokens 3000 --clip 2 --lr-decay 1.5 --lr 0.4 --seed 3 --hidden 16 --wordvec 16 --time 7";
        lines(&folder, &format!("{built_in} {line}"))
    };
    let whole = run("--epochs 6 --save whole --save-best whole-best --csv whole.csv");
    run("--epochs 2 --save part --save-best part-best");
    assert_eq!(state(&folder.join("part")).epoch, 2);
    // all that was set is in the file, but the length of the text
    let rest = lines(
        &folder,
        "--load part --tokens 3000 --epochs 6 --save part --save-every 1 --save-best part-best --csv part.csv",
    );
    assert_same_files(&folder, ["whole", "part"]);
    assert_same_files(&folder, ["whole-best", "part-best"]);
    assert!(rest.contains(&"loaded part at epoch 2".into()), "{rest:?}");
    let epochs =
        |lines: &[String]| lines.iter().filter(|line| line.starts_with("| epoch ")).cloned().collect::<Vec<_>>();
    assert_eq!(epochs(&whole)[2..], epochs(&rest));
    let [whole, part] = ["whole.csv", "part.csv"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
    assert!(whole.lines().skip(3).eq(part.lines().skip(1)), "{whole}{part}");

    let TrainingState { learning_rate, max_norm, decay, best_loss, epoch, seed, .. } = state(&folder.join("part"));
    assert_eq!((max_norm, decay, epoch, seed), (2.0, 1.5, 6, 3));
    assert!(learning_rate <= 0.4 && best_loss < 6.0);
}

#[test]
fn every_epoch_is_kept_and_the_best_one_apart() {
    let folder = with_text("best");
    // overfits: the words come in another order
    fs::write(folder.join("v.txt"), "hello i say and you say goodbye .\n".repeat(5)).unwrap();
    let run = |line: &str| lines(&folder, &format!("{SMALL} --valid v.txt {line}"));
    let printed = run("--epochs 9 --save last --save-best best --lr-decay 4");
    let valid: Vec<f32> =
        printed.iter().filter_map(|line| line.split_once(" | valid ")?.1.split(' ').next()?.parse().ok()).collect();
    let best = (0..9).min_by(|&a, &b| valid[a].total_cmp(&valid[b])).unwrap() + 1;
    let kept = state(&folder.join("best"));
    assert!(best < 9 && kept.epoch == best as u64, "{printed:?} {kept:?}");
    let last = state(&folder.join("last"));
    assert_eq!(last.best_loss, kept.best_loss);
    assert!(last.learning_rate < 0.5 && kept.learning_rate == 0.5, "{last:?}");
    // the best file is the whole state of that epoch
    run(&format!("--epochs {best} --save then --lr-decay 4"));
    assert_same_files(&folder, ["best", "then"]);
    // evaluated, it has the perplexity of that epoch
    let evaluated = lines(&folder, "--load best --epochs 0 --data a.txt --valid v.txt");
    assert!(evaluated.contains(&format!("valid perplexity: {:.2}", valid[best - 1])), "{evaluated:?}");
}

#[test]
fn a_rate_divided_to_nothing_stays_above_it() {
    let folder = with_text("divided");
    fs::write(folder.join("v.txt"), "hello i say and you say goodbye .\n".repeat(5)).unwrap();
    lines(&folder, &format!("{SMALL} --valid v.txt --epochs 12 --lr-decay 1e15 --save m"));
    let rate = state(&folder.join("m")).learning_rate;
    assert!(rate > 0.0 && rate < 1e-25, "{rate}");
}

#[test]
fn from_an_epoch_on_the_rate_falls_after_each() {
    let folder = with_text("decay_from");
    // overfits: the words come in another order
    fs::write(folder.join("v.txt"), "hello i say and you say goodbye .\n".repeat(5)).unwrap();
    let rates = |line: &str| -> Vec<f32> {
        let printed = lines(&folder, &format!("{SMALL} --lr-decay 2 --decay-from 3 {line}"));
        printed.iter().filter_map(|line| line.split_once(" | lr ")?.1.parse().ok()).collect()
    };
    let falling = [0.5, 0.5, 0.5, 0.25, 0.125, 0.0625];
    assert_eq!(rates("--epochs 6"), falling);
    assert_eq!(rates("--epochs 6 --valid a.txt --save whole"), falling);
    assert_eq!(rates("--epochs 4 --valid a.txt --save part"), falling[..4]);
    lines(&folder, "--load part --data a.txt --valid a.txt --decay-from 3 --epochs 6 --save part");
    assert_same_files(&folder, ["whole", "part"]);
    // once only where the validation is no better besides
    let overfitting = rates("--epochs 6 --valid v.txt");
    assert!(overfitting.windows(2).skip(2).all(|pair| pair[1] == pair[0] / 2.0), "{overfitting:?}");
}

#[test]
fn equal_runs_write_equal_files_on_every_instruction_set() {
    let folder = with_text("equal");
    for isa in Isa::available() {
        for save_every in ["", "--save-every 2"] {
            lines(&folder, &format!("{SMALL} --clip 1 --epochs 3 --save m --isa {} {save_every}", isa.name()));
            if !folder.join("first").exists() {
                fs::copy(folder.join("m"), folder.join("first")).unwrap();
            }
            assert_same_files(&folder, ["first", "m"]);
        }
    }
    // nothing trained, nothing changed
    lines(&folder, "--load m --data a.txt --epochs 0 --save copy");
    lines(&folder, "--load m --data a.txt --epochs 3 --save copy");
    assert_same_files(&folder, ["first", "copy"]);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 4, "a temporary file was left behind");
}

#[test]
fn flags_rule_where_they_do_not_contradict_the_file() {
    let folder = with_text("rule");
    lines(&folder, &format!("{SMALL} --epochs 1 --save m"));
    let same = "--data a.txt --hidden 8 --wordvec=8 --batch 2 --time 4";
    lines(&folder, &format!("{same} --load m --epochs 2 --lr 0.25 --clip 3 --seed 9 --save n"));
    let TrainingState { learning_rate, max_norm, seed, epoch, .. } = state(&folder.join("n"));
    assert_eq!((learning_rate, max_norm, seed, epoch), (0.25, 3.0, 9, 2));
    lines(&folder, "--data a.txt --load n --epochs 3 --clip inf --save n");
    assert_eq!(state(&folder.join("n")).max_norm, f32::INFINITY);

    for (flags, part) in [
        ("--data a.txt --hidden 9", "--hidden 9 contradicts m, which has 8"),
        ("--data a.txt --wordvec 9", "--wordvec 9 contradicts m"),
        ("--data a.txt --tokens 5", "5 tokens, 9 are needed"),
        ("--data a.txt --vocabulary a.txt", "m has words of its own: leave --vocabulary out"),
        ("--epochs 5", "another vocabulary (435 words) than m (8)"),
        ("--data a.txt --csv m", "same file"),
        ("--data a.txt --plot m", "same file"),
    ] {
        fails(&folder, &format!("--load m {flags}"), 1, part);
    }
    assert_eq!(state(&folder.join("m")).epoch, 1);
}

#[test]
fn a_text_of_another_length_is_no_accident() {
    let folder = with_text("length");
    lines(&folder, &format!("{SMALL} --tokens 200 --epochs 2 --save m"));
    fails(&folder, "--load m --data a.txt --epochs 3", 1, "give the --tokens of that run");
    lines(&folder, "--load m --data a.txt --epochs 3 --tokens 200 --save m");
    lines(&folder, "--load m --data a.txt --epochs 4 --tokens 0 --save m");
    assert_eq!(state(&folder.join("m")).epoch, 4);
    // all of a text needs no telling
    fs::write(folder.join("long.txt"), SENTENCE.repeat(400)).unwrap();
    let small = SMALL.replace("a.txt", "long.txt");
    lines(&folder, &format!("{small} --tokens 0 --epochs 1 --save n"));
    assert_eq!(lines(&folder, "--load n --data long.txt --epochs 2")[0], "corpus size: 3600, vocabulary size: 8");
}

#[test]
fn a_loaded_model_needs_no_text_to_be_used() {
    let folder = with_text("used");
    let trained = lines(&folder, &format!("{SMALL} --epochs 20 --save m --generate 12"));
    fs::write(folder.join("v.txt"), "you say hello .\n").unwrap();
    let used = lines(&folder, "--load m --epochs 0 --generate 12 --valid v.txt");
    assert_eq!(used[0], "vocabulary size: 8, and the text at hand has another");
    assert_eq!(used[1], "valid size: 5, unknown words: 0");
    assert!(used[4].starts_with("valid perplexity: "), "{used:?}");
    let words = |lines: &[String], from: &str| -> Vec<String> {
        let at = lines.iter().rposition(|line| line.starts_with(from)).unwrap();
        lines[at + 1..lines.len() - 1].to_vec()
    };
    assert_eq!(words(&trained, "| epoch"), words(&used, "valid recall"));
}

#[test]
fn damaged_files_are_refused_and_stay() {
    let folder = with_text("damaged");
    lines(&folder, &format!("{SMALL} --epochs 1 --save m"));
    let good = fs::read(folder.join("m")).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 4;
    for (bytes, part) in [
        (&good[..good.len() - 1], "cut short"),
        (&good[..good.len() / 2], "cut short"),
        (&good[..0], "cut short"),
        (&flipped[..], "checksum"),
        (b"you say goodbye and i say hello", "not a safetensors file"),
    ] {
        fs::write(folder.join("bad"), bytes).unwrap();
        fails(&folder, "--load bad --data a.txt --epochs 2 --save bad", 1, part);
        assert_eq!(fs::read(folder.join("bad")).unwrap(), bytes);
    }
    fs::create_dir(folder.join("folder")).unwrap();
    fails(&folder, "--load folder --data a.txt", 1, "folder: Is a directory");
}

#[test]
fn a_tensor_that_is_none_of_a_models_is_named() {
    let folder = with_text("unknown_tensor");
    for (name, told) in [
        ("lstm.weight_ih_l0", "lstm.weight_ih_l0"),
        ("a\u{202e}b", "a\\u{202e}b"),
        (&"x".repeat(100_000), &"x".repeat(60)),
    ] {
        let header = format!(r#"{{"{name}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#);
        let file = [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat();
        fs::write(folder.join("foreign"), file).unwrap();
        fails(&folder, "--load foreign --data a.txt", 1, &format!("its name is \"{told}\""));
    }
}

#[test]
fn a_run_that_fails_leaves_the_old_file() {
    let folder = with_text("old_file");
    lines(&folder, &format!("{SMALL} --epochs 1 --save m"));
    let before = fs::read(folder.join("m")).unwrap();
    fails(&folder, "--load m --data a.txt --epochs 3 --lr 3e38 --save m", 1, "weights were left as they were");
    assert_eq!(fs::read(folder.join("m")).unwrap(), before);
}

/// A file of the six weights alone, as Python's `safetensors` writes them.
fn bare(checkpoint: &Checkpoint<'_>) -> Vec<u8> {
    let (mut header, mut data) = (String::from("{"), Vec::new());
    for (name, matrix) in checkpoint.weights().expect("aligned").named() {
        let begin = data.len();
        data.extend(matrix.as_slice().iter().flat_map(|x| x.to_le_bytes()));
        let shape =
            if matrix.rows() == 1 { matrix.cols().to_string() } else { format!("{},{}", matrix.rows(), matrix.cols()) };
        let comma = if begin == 0 { "" } else { "," };
        let end = data.len();
        header += &format!(r#"{comma}"{name}":{{"dtype":"F32","shape":[{shape}],"data_offsets":[{begin},{end}]}}"#);
    }
    header += "}";
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

#[test]
fn bare_weights_get_their_words_from_the_text() {
    let folder = with_text("bare");
    lines(&folder, &format!("{SMALL} --epochs 2 --save m"));
    let file = fs::read(folder.join("m")).unwrap();
    let checkpoint = Checkpoint::read(&file).unwrap();
    fs::write(folder.join("bare"), bare(&checkpoint)).unwrap();
    let printed = lines(&folder, "--load bare --data a.txt --epochs 0 --batch 3 --save full");
    assert!(printed.iter().any(|line| line.starts_with("loaded bare at epoch 0")), "{printed:?}");
    let full = fs::read(folder.join("full")).unwrap();
    let full = Checkpoint::read(&full).unwrap();
    assert_eq!((full.config().batch_size, full.training().unwrap().epoch), (3, 0));
    assert!(full.words().eq(checkpoint.words()) && full.weights() == checkpoint.weights());
    lines(&folder, "--load bare --data a.txt --epochs 1 --save full");
    assert_eq!(state(&folder.join("full")).epoch, 1);
    fs::write(folder.join("b.txt"), "you say hello .\n".repeat(40)).unwrap();
    fails(&folder, "--load bare --data b.txt --epochs 0", 1, "another vocabulary (5 words) than bare (8)");
}

#[cfg(unix)]
#[test]
fn links_and_permissions_survive_a_save() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = with_text("links");
    fs::create_dir(folder.join("store")).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 1 --save store/m"));
    fs::set_permissions(folder.join("store/m"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("store/m", folder.join("m")).unwrap();
    lines(&folder, "--load m --data a.txt --epochs 2 --save m");
    assert!(folder.join("m").is_symlink());
    assert_eq!(state(&folder.join("store/m")).epoch, 2);
    assert_eq!(fs::metadata(folder.join("m")).unwrap().permissions().mode() & 0o777, 0o640);
}

/// The numbers of the epochs, as they are printed.
#[cfg(unix)]
fn epochs(child: &mut std::process::Child) -> impl Iterator<Item = usize> + use<> {
    use std::io::{BufRead, BufReader};
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    lines.filter_map(|line| line.strip_prefix("| epoch ")?.split(' ').next()?.parse().ok())
}

/// What it says on standard error, read while it runs: a full pipe would stop it.
#[cfg(unix)]
fn messages(child: &mut std::process::Child) -> thread::JoinHandle<String> {
    let messages = child.stderr.take().unwrap();
    thread::spawn(move || std::io::read_to_string(messages).unwrap())
}

/// Starts a run whose folder `store` is removed between the look at its targets and the first epoch: then the run opens
/// the pipe from which it gets the text to validate on.
#[cfg(unix)]
fn start_without_store(folder: &Path, line: &str) -> std::process::Child {
    pipe(&folder.join("pipe"));
    fs::create_dir(folder.join("store")).unwrap();
    let child = start(folder, &format!("{SMALL} --tokens 9 --valid pipe {line}"));
    let mut valid = fs::File::options().write(true).open(folder.join("pipe")).unwrap();
    fs::remove_dir(folder.join("store")).unwrap();
    std::io::Write::write_all(&mut valid, &fs::read(folder.join("v.txt")).unwrap()).unwrap();
    child
}

/// The folder of the models is away for some epochs. A pipe of at most 64 KiB keeps the run less than 2,200 of its
/// lines ahead of those that are read here.
#[cfg(unix)]
#[test]
fn a_save_that_fails_is_a_warning_and_made_good() {
    let folder = with_text("made_good");
    fs::write(folder.join("v.txt"), "hello i say and you say goodbye .\n").unwrap();
    // one step an epoch; the best epoch is an early one
    lines(&folder, &format!("{SMALL} --tokens 9 --valid v.txt --epochs 11990 --save whole --save-best best"));
    let best = state(&folder.join("best")).epoch;
    assert!(best < 1000, "{best}");

    let line = "--epochs 11990 --save store/m --save-every 6000 --save-best store/best";
    let mut child = start_without_store(&folder, line);
    let (mut epochs, messages) = (epochs(&mut child), messages(&mut child));
    epochs.find(|&epoch| epoch == 6300).unwrap();
    fs::create_dir(folder.join("store")).unwrap();
    epochs.find(|&epoch| epoch == 9500).unwrap();
    // before it was due again
    let saved = state(&folder.join("store/m")).epoch;
    assert!((6300..9500).contains(&saved), "{saved}");
    assert_same_files(&folder, ["best", "store/best"]);
    assert_eq!(epochs.last(), Some(11990));
    let warnings = messages.join().unwrap();
    assert!(child.wait().unwrap().success(), "{warnings}");
    let of = |file: &str| {
        let is_of =
            |line: &&str| line.starts_with("ptb: warning: ") && line.contains(&format!("store/{file}: No such file"));
        warnings.lines().filter(is_of).count()
    };
    assert_eq!((of("m"), of("best"), warnings.lines().count()), (1, 1, 2), "{warnings}");
    assert_same_files(&folder, ["whole", "store/m"]);
}

#[cfg(unix)]
#[test]
fn a_run_that_fails_keeps_its_curves() {
    let folder = with_text("curves");
    fs::write(folder.join("v.txt"), SENTENCE).unwrap();
    let line = "--epochs 3000 --save store/m --save-best store/best --csv c.csv --plot p.svg";
    let mut child = start_without_store(&folder, line);
    let (epochs, messages) = (epochs(&mut child), messages(&mut child));
    assert_eq!(epochs.last(), Some(3000));
    let message = messages.join().unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{message}");
    let last = message.lines().last().unwrap();
    assert!(last.contains("store/m: No such file") && last.contains("store/best: No such file"), "{message}");
    assert_eq!(fs::read_to_string(folder.join("c.csv")).unwrap().lines().count(), 3001);
    assert!(fs::read_to_string(folder.join("p.svg")).unwrap().ends_with("</svg>\n"));

    // nobody reads its lines any more
    fs::remove_file(folder.join("c.csv")).unwrap();
    let mut child = start(&folder, &format!("{SMALL} --tokens 9 --epochs 3000 --csv c.csv"));
    assert_eq!(self::epochs(&mut child).next(), Some(1));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(fs::read_to_string(folder.join("c.csv")).unwrap().contains("\n1,"));
}

/// Most of the run's time is spent in saving: an epoch is one step.
#[test]
fn killed_at_200_random_moments_it_always_leaves_a_file_that_loads() {
    let folder = with_text("killed");
    let program = example("ptb");
    lines(&folder, "--data a.txt --hidden 64 --wordvec 64 --batch 5 --time 60 --clip 5 --epochs 0 --save m");
    let mut rng = Xorshift::new(1);
    let (mut epoch, mut in_the_middle) = (0, 0);
    for kill in 0..200 {
        let mut child = Command::new(&program)
            .current_dir(&folder)
            .args("--data a.txt --load m --save m --save-every 1 --epochs 1000000000 --quiet".split(' '))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_micros(u64::from(rng.below(80_000))));
        assert!(child.try_wait().unwrap().is_none(), "kill {kill}: it has ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        let found = state(&folder.join("m")).epoch;
        assert!(found >= epoch, "kill {kill}: epoch {found} after {epoch}");
        epoch = found;
        let files = fs::read_dir(&folder).unwrap().count();
        assert!(files <= 3, "kill {kill}: the temporary files of killed runs are not cleared away");
        in_the_middle += usize::from(files == 3);
    }
    println!("epoch {epoch} after 200 kills, {in_the_middle} of them in the middle of a save");
    assert!(epoch > 20 && in_the_middle > 2, "epoch {epoch}, killed while saving: {in_the_middle}");
    // and it has lost nothing but time
    lines(&folder, &format!("--data a.txt --load m --epochs {} --save m", epoch + 1));
    let sizes = "--data a.txt --hidden 64 --wordvec 64 --batch 5 --time 60 --clip 5";
    lines(&folder, &format!("{sizes} --epochs {} --save whole", epoch + 1));
    assert_same_files(&folder, ["m", "whole"]);
}
