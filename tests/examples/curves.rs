//! Promise: a curve survives a resume. CSV and plot go on where the files found end at the epoch loaded; what doesn't
//! fit is refused before training and stays.

use std::{fs, path::Path};

use crate::example::{SENTENCE, SMALL, fails, folder, lines, run, text, with_text};

fn read(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn curves_of_a_run_in_two_parts_are_those_of_one_that_never_stopped() {
    for is_validated in [false, true] {
        let folder = with_text("curves_in_two");
        fs::write(folder.join("v.txt"), "hello i say and you say goodbye .\n".repeat(5)).unwrap();
        let held_out = if is_validated { "--valid v.txt --lr-decay 3" } else { "" };
        let part = |line: &str| lines(&folder, &format!("{SMALL} {held_out} {line}"));
        part("--epochs 9 --save whole --csv whole.csv --plot whole.svg");
        part("--epochs 4 --save m --csv c.csv --plot p.svg");
        let rest = format!("--data a.txt {held_out} --load m --save m");
        let told = lines(&folder, &format!("{rest} --epochs 9 --csv c.csv --plot p.svg"));
        assert!(told.iter().all(|line| !line.contains("replaced")), "{told:?}");
        for names in [["whole.csv", "c.csv"], ["whole.svg", "p.svg"]] {
            let [whole, parts] = names.map(|name| read(&folder, name));
            assert!(whole == parts, "{whole}{parts}");
        }
        // a row has all bits of its values, and no digit more
        let csv = read(&folder, "c.csv");
        for cell in csv.lines().skip(1).flat_map(|row| row.split(',')) {
            assert_eq!(cell.parse::<f32>().unwrap().to_string(), cell);
        }
        let rates: Vec<&str> = csv.lines().skip(1).map(|row| row.rsplit(',').next().unwrap()).collect();
        assert_eq!((rates.len(), rates[0], rates[8] != "0.5"), (9, "0.5", is_validated), "{csv}");
        let marks = rates.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(read(&folder, "p.svg").matches(r#"class="rate""#).count(), marks);
    }
}

#[test]
fn rows_behind_the_epoch_loaded_are_replaced_and_told_of() {
    let folder = with_text("curves_cut");
    lines(&folder, &format!("{SMALL} --epochs 3 --save m"));
    lines(&folder, &format!("{SMALL} --epochs 7 --csv c.csv --plot p.svg"));
    let [csv, svg] = ["c.csv", "p.svg"].map(|name| read(&folder, name));
    // the same again, as training is the same; at another rate, not
    for (rate, is_same) in [("", true), ("--lr 0.25", false)] {
        let told = lines(&folder, &format!("--data a.txt --load m --epochs 7 --csv c.csv --plot p.svg {rate}"));
        for name in ["c.csv", "p.svg"] {
            assert!(told.contains(&format!("{name}: 4 epochs behind epoch 3 will be replaced")), "{told:?}");
        }
        assert_eq!([read(&folder, "c.csv") == csv, read(&folder, "p.svg") == svg], [is_same; 2]);
        assert!(read(&folder, "c.csv").lines().take(4).eq(csv.lines().take(4)));
    }
    // a curve of the later part alone, made again and again
    for _ in 0..2 {
        lines(&folder, "--data a.txt --load m --epochs 5 --csv late.csv");
        assert!(read(&folder, "late.csv").lines().map(|row| row.split(',').next().unwrap()).eq(["epoch", "4", "5"]));
    }
    // an evaluation takes nothing away
    lines(&folder, "--data a.txt --load m --epochs 0 --csv late.csv --plot p.svg");
    lines(&folder, "--data a.txt --load m --epochs 3 --csv late.csv --plot p.svg");
    assert_eq!(read(&folder, "late.csv").lines().count(), 3);
    assert_eq!(read(&folder, "p.svg").matches("<title>training, ").count(), 7);
}

#[test]
fn curves_that_do_not_fit_are_refused_and_stay() {
    let folder = with_text("curves_refused");
    lines(&folder, &format!("{SMALL} --epochs 2 --csv two.csv --plot two.svg"));
    lines(&folder, &format!("{SMALL} --epochs 5 --save m"));
    fs::write(folder.join("other.csv"), "name,age\nx,3\n").unwrap();
    fs::write(folder.join("other.svg"), "<svg xmlns=\"http://www.w3.org/2000/svg\"/>\n").unwrap();
    fs::write(folder.join("latin1"), b"caf\xe9").unwrap();
    for (flag, name, part) in [
        ("--csv", "two.csv", "two.csv ends at epoch 2, and the run goes on from epoch 5: name another file"),
        ("--plot", "two.svg", "two.svg ends at epoch 2, and the run goes on from epoch 5: name another file"),
        ("--csv", "other.csv", "other.csv: not written by --csv, so that epoch 6 can't be added: name another"),
        ("--csv", "two.svg", "two.svg: not written by --csv"),
        ("--plot", "other.svg", "other.svg: not written by --plot"),
        ("--plot", "latin1", "latin1: not written by --plot"),
    ] {
        let before = fs::read(folder.join(name)).unwrap();
        fails(&folder, &format!("--data a.txt --load m --epochs 9 --save m {flag} {name}"), 1, part);
        assert!(fs::read(folder.join(name)).unwrap() == before, "{name}");
    }
    // an evaluation adds nothing to it
    lines(&folder, "--data a.txt --load m --epochs 0 --csv other.csv --plot other.svg");
    assert_eq!(read(&folder, "other.csv"), "name,age\nx,3\n");
    // a run from the start replaces what is there, as it does its other files
    lines(&folder, &format!("{SMALL} --epochs 1 --csv other.csv --plot other.svg"));
    assert!(read(&folder, "other.csv").starts_with("epoch,perplexity,lr\n1,"));
}

/// The curve is at least as long as the model that is saved with it has epochs, so that a killed run goes on.
#[test]
fn a_killed_run_goes_on_with_its_curve() {
    use std::{thread, time::Duration};
    let folder = with_text("curves_killed");
    let line = "--epochs 1000000 --save m --save-every 3 --csv c.csv --plot p.svg --quiet";
    let mut child = crate::example::start(&folder, &format!("{SMALL} {line}"));
    while !folder.join("m").exists() {
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(50));
    child.kill().unwrap();
    child.wait().unwrap();
    let file = fs::read(folder.join("m")).unwrap();
    let epoch = rnnlm::Checkpoint::read(&file).unwrap().training().unwrap().epoch;
    let line = format!("--data a.txt --load m --epochs {} --csv c.csv --plot p.svg", epoch + 2);
    let output = run(&folder, &line);
    assert!(output.status.success(), "{output:?}");
    lines(&folder, &format!("{SMALL} --epochs {} --csv whole.csv", epoch + 2));
    assert_eq!(read(&folder, "c.csv"), read(&folder, "whole.csv"));
}

/// A model can't be kept; its curve is.
#[cfg(target_os = "linux")]
#[test]
fn a_run_whose_model_is_lost_keeps_its_curve() {
    let folder = folder("curves_full");
    fs::write(folder.join("t.txt"), "the pump starts now\n".repeat(300)).unwrap();
    let output = run(&folder, "--data t.txt --tokens 0 --epochs 5 --save /dev/full --save-every 3 --csv c.csv");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let csv = read(&folder, "c.csv");
    assert!(csv.lines().map(|row| row.split(',').next().unwrap()).eq(["epoch", "1", "2", "3", "4", "5"]), "{csv}");
    // read as a curve, a device would never end
    let sentence = SENTENCE.repeat(40);
    fs::write(folder.join("a.txt"), sentence).unwrap();
    lines(&folder, &format!("{SMALL} --epochs 1 --save m"));
    let output = crate::example::run_or_kill(&folder, "--data a.txt --load m --epochs 2 --csv /dev/zero");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(text(&output.stderr), "");
}
