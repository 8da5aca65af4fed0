//! Finds odd sessions in logs: learns from normal ones, sets its threshold by them, and judges others. The first word
//! is a command; `--help` lists them.

#[allow(dead_code)] // what else is in a file
#[path = "../shared/saved.rs"]
mod file;
#[allow(dead_code)] // a temperature
#[path = "../shared/flags.rs"]
mod flags;
mod judge;
mod keys;
mod proof;
mod saved;
mod synthetic;
mod train;
mod validation;
#[path = "../shared/visible.rs"]
mod visible;
mod watch;

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use flags::{Asked, Flag};
use keys::Format;
use rnnlm::{Cell, Doing, Guard, LstmCell, TanhCell, Xorshift};
use saved::File;
use train::Recipe;
use watch::Output;

/// Of `watch --learn`: holds where more than a tenth of the last 20 sessions or so are odd, adapts where it lasts 200.
const GUARD: Guard = Guard::new(0.1, 20, 200);
/// Sessions.
const SAVE_EVERY: usize = 1000;

const FLAGS: [Flag; 23] = [
    ("--data", "FILE", "the sessions, - for standard input; of `proof` the directory (RNNLM_EVENTS)"),
    ("--load", "FILE", "the model: a file of `events learn`"),
    ("--save", "FILE", "where `learn` puts the model, and `watch --learn` what it has learned (the file loaded)"),
    ("--learn", "", "of `watch`: learns on, but not while alarms pile up; saves every 1000 sessions and at the end"),
    ("--log", "", "an event a line, an empty line between sessions; numbers are masked"),
    ("--min-count", "K", "of `learn`: rarer events become <unk> (1)"),
    ("--cell", "rnn|lstm", "of `learn` and `proof`: tanh, or an LSTM (rnn); a file that is loaded has its own"),
    ("--wordvec", "D", "of `learn` and `proof`: the length of an event's vector (16)"),
    ("--hidden", "H", "of `learn` and `proof`: the size of the hidden state (32; `proof`: 32, 72; LSTMs: 14, 39)"),
    ("--epochs", "K", "of `learn` and `proof`: times to read the sessions (20; LSTMs: 80)"),
    ("--lr", "X", "of `learn` and `proof`: the first learning rate (2; LSTMs: 3); the last is a hundredth"),
    ("--rate", "X", "of `calibrate`: the wished share of false alarms among normal sessions (0.001)"),
    ("--json", "", "of `watch`: JSON lines instead of a table"),
    ("--abnormal", "FILE", "of `judge`: the sessions that should be found; --data names the normal ones"),
    ("--roc", "FILE", "of `judge`: the ROC curve as SVG"),
    ("--count", "K", "of `make`: how many sessions (1000)"),
    ("--odd", "", "of `make`: anomalies of four kinds instead of normal sessions"),
    ("--valid", "", "of `proof`: how normal sessions held out surprise, to choose a recipe by; none is judged"),
    ("--seeds", "K", "of `proof`: how often the folds are dealt anew (3)"),
    ("--seed", "SEED", "of `learn` and `make` (1)"),
    ("--quiet", "", "no progress"),
    ("--help", "", "print this and exit; -h too"),
    ("--version", "", "print the version and exit"),
];

const ABOUT: &str = "\
Finds odd sessions in logs. events COMMAND [flags]

  make       prints made-up sessions, to try the others
  learn      trains a model on normal sessions
  calibrate  sets its threshold by normal sessions, beside the model
  watch      a verdict for each session of a file or of standard input, as it comes
  explain    the odd sessions, each with its odd event and what had been expected
  judge      precision, recall and F1 on normal and abnormal sessions
  proof      the figures on the HDFS log keys, beside baselines

A session is a line of keys; with --log an event is a line and an empty line ends a session.

";

const CODES: &str = "\nexit codes: 0 done; 2 a bad command line; 1 anything else that stops the run\n";

#[derive(Default)]
struct Options {
    data: Option<PathBuf>,
    load: Option<PathBuf>,
    save: Option<PathBuf>,
    format: Format,
    min_count: Option<usize>,
    lstm: Option<bool>,
    wordvec: Option<usize>,
    hidden: Option<usize>,
    epochs: Option<usize>,
    learning_rate: Option<f32>,
    seed: Option<u64>,
    is_validation: bool,
    rate: Option<f32>,
    output: Output,
    abnormal: Option<PathBuf>,
    roc: Option<PathBuf>,
    count: Option<usize>,
    is_odd: bool,
    learns: bool,
    seeds: Option<u64>,
    is_quiet: bool,
}

/// What a command prints, or a message for the user.
type Done = Result<String, String>;

impl Options {
    fn is_lstm(&self) -> bool {
        self.lstm.unwrap_or(false)
    }

    /// What no flag says is what suits the cell.
    fn recipe(&self) -> Recipe {
        // by `proof --valid`
        let suits =
            if self.is_lstm() { Recipe { epochs: 80, rate: 3.0, ..Recipe::default() } } else { Recipe::default() };
        Recipe {
            wordvec: self.wordvec.unwrap_or(suits.wordvec),
            hidden: self.hidden.unwrap_or(suits.hidden),
            epochs: self.epochs.unwrap_or(suits.epochs),
            rate: self.learning_rate.unwrap_or(suits.rate),
            seed: self.seed.unwrap_or(suits.seed),
        }
    }
}

fn main() -> ExitCode {
    let failed = |message: &str, code| {
        // where nobody listens, the exit code must do
        let _ = writeln!(io::stderr(), "events: {message}");
        ExitCode::from(code)
    };
    let mut arguments = env::args_os().skip(1).peekable();
    let is_flag = |word: &std::ffi::OsString| word.to_string_lossy().starts_with('-');
    let command = arguments.next_if(|word| !is_flag(word)).map(|word| word.to_string_lossy().into_owned());
    let mut options = Options::default();
    match flags::read(&FLAGS, arguments, |value| take(&mut options, &value)) {
        Err(message) => return failed(&message, 2),
        Ok(Asked::Help) => return print(&format!("{ABOUT}{}{CODES}", flags::list(&FLAGS))),
        Ok(Asked::Version) => return print(&(flags::version("events") + "\n")),
        Ok(Asked::Run) => {}
    }
    let done = match command.as_deref() {
        Some("make") => return print(&make(&options)),
        Some("learn") => by_flag(&options, [learn::<TanhCell>, learn::<LstmCell>]),
        Some("calibrate") => by_file(&options, [calibrate::<TanhCell>, calibrate::<LstmCell>]),
        Some("watch") => by_file(&options, [watch::<TanhCell>, watch::<LstmCell>]),
        Some("explain") => {
            let options = Options { output: Output::Explained, learns: false, ..options };
            by_file(&options, [watch::<TanhCell>, watch::<LstmCell>])
        }
        Some("judge") => by_file(&options, [judge::<TanhCell>, judge::<LstmCell>]),
        Some("proof") => by_flag(&options, [proof::<TanhCell>, proof::<LstmCell>]),
        Some(other) => return failed(&format!("unknown command {other:?}: --help lists them"), 2),
        None => return failed("a command is missing: --help lists them", 2),
    };
    match done {
        Ok(text) => print(&text),
        Err(message) => failed(&message, 1),
    }
}

/// A command that makes models, with the cell that the flag names.
fn by_flag(options: &Options, [rnn, lstm]: [fn(&Options) -> Done; 2]) -> Done {
    if options.is_lstm() { lstm(options) } else { rnn(options) }
}

/// A command that opens a model, with the cell that its file has.
fn by_file(options: &Options, [rnn, lstm]: [fn(&Options, &File<'_>) -> Done; 2]) -> Done {
    let file = File::read(needed(options.load.as_ref(), "--load")?)?;
    if let Some(named) = options.lstm
        && named != file.is_lstm()
    {
        let [named, of_file] = [named, file.is_lstm()].map(|is_lstm| if is_lstm { "lstm" } else { "rnn" });
        let path = visible::visible(file.path);
        return Err(format!(
            "--cell {named} contradicts {path}, which has {of_file}: leave the flag out, or load a model of \
             `events learn --cell {named}`"
        ));
    }
    if file.is_lstm() { lstm(options, &file) } else { rnn(options, &file) }
}

/// Whoever reads a pipe may have seen enough.
fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn take(options: &mut Options, value: &flags::Value) -> Result<(), String> {
    let size = |value: &flags::Value| value.parse::<std::num::NonZeroUsize>().map(usize::from);
    match value.flag {
        "--data" => options.data = Some(value.path()?),
        "--load" => options.load = Some(value.path()?),
        "--save" => options.save = Some(value.path()?),
        "--log" => options.format = Format::Log,
        "--min-count" => options.min_count = Some(value.parse()?),
        "--cell" => {
            let name: String = value.parse_if("rnn or lstm", |name| name == "rnn" || name == "lstm")?;
            options.lstm = Some(name == "lstm");
        }
        "--wordvec" => options.wordvec = Some(size(value)?),
        "--hidden" => options.hidden = Some(size(value)?),
        "--epochs" => options.epochs = Some(value.parse()?),
        "--lr" => {
            options.learning_rate = Some(value.parse_if("a finite number above 0", |x| *x > 0.0 && *x <= f32::MAX)?);
        }
        "--rate" => options.rate = Some(value.parse_if("a number from 0 to 1", |x| (0.0..=1.0).contains(x))?),
        "--learn" => options.learns = true,
        "--json" => options.output = Output::Json,
        "--abnormal" => options.abnormal = Some(value.path()?),
        "--roc" => options.roc = Some(value.path()?),
        "--count" => options.count = Some(value.parse()?),
        "--odd" => options.is_odd = true,
        "--seeds" => options.seeds = Some(value.parse::<std::num::NonZeroUsize>()?.get() as u64),
        "--seed" => options.seed = Some(value.parse()?),
        "--valid" => options.is_validation = true,
        _ => options.is_quiet = true,
    }
    Ok(())
}

fn needed<'o>(path: Option<&'o PathBuf>, flag: &str) -> Result<&'o Path, String> {
    path.map(PathBuf::as_path).ok_or_else(|| format!("{flag} is missing"))
}

fn make(options: &Options) -> String {
    let mut rng = Xorshift::new(options.recipe().seed);
    let mut text = String::new();
    for _ in 0..options.count.unwrap_or(1000) {
        let session = if options.is_odd { synthetic::anomaly(&mut rng).1 } else { synthetic::normal(&mut rng) };
        text += &match options.format {
            Format::Keys => session.iter().map(|event| format!("E{event}")).collect::<Vec<_>>().join(" ") + "\n",
            Format::Log => synthetic::lines(&mut rng, &session).join("\n") + "\n\n",
        };
    }
    text
}

fn learn<C: Cell>(options: &Options) -> Done {
    let to = needed(options.save.as_ref(), "--save")?;
    let data = needed(options.data.as_ref(), "--data")?;
    let sessions = keys::read(data, options.format)?;
    if sessions.is_empty() {
        return Err(format!("{}: no sessions", data.display()));
    }
    let failed = |error: rnnlm::Error| error.to_string();
    let vocabulary = keys::vocabulary(sessions.iter(), options.min_count.unwrap_or(1)).map_err(|e| failed(e.into()))?;
    let ids = keys::ids(&vocabulary).ok_or("the vocabulary lacks its marks")?;
    let encoded: Vec<_> = sessions.iter().map(|session| keys::encode(&vocabulary, ids, session)).collect();
    let model = train::train::<C>(ids, &encoded, options.recipe()).map_err(failed)?;
    saved::save(to, &model, &vocabulary)?;
    saved::remove_calibration(to)?;
    let (count, parameters) = (sessions.len(), model.weights_block().len());
    Ok(format!("{count} sessions, {} events with an id, {parameters} parameters\n", vocabulary.len() - 2))
}

fn calibrate<C: Cell>(options: &Options, file: &File<'_>) -> Done {
    let saved = saved::load::<C>(file)?;
    let sessions = keys::read(needed(options.data.as_ref(), "--data")?, options.format)?;
    let encoded: Vec<_> = sessions.iter().map(|session| keys::encode(&saved.vocabulary, saved.ids, session)).collect();
    let rate = options.rate.unwrap_or(proof::RATE);
    let normal = encoded.iter().map(Vec::as_slice);
    let (detector, thresholds) =
        proof::calibrated(saved.model, saved.ids, normal, &[rate]).map_err(|error| error.to_string())?;
    saved::save_calibration(file.path, &detector)?;
    let rnnlm::Threshold { excess, above, of, rate_low, rate_high, .. } = thresholds[0];
    let [low, high] = [rate_low, rate_high].map(|rate| 100.0 * rate);
    Ok(format!(
        "threshold {excess:.2}: {above} of {of} normal sessions above; false alarms {low:.2}% to {high:.2}% (95%)\n"
    ))
}

/// Session by session, as they come.
fn watch<C: Cell>(options: &Options, file: &File<'_>) -> Done {
    let saved = saved::load::<C>(file)?;
    let mut detector = saved::detector(file.path, &saved)?;
    let save_to = options.save.as_deref().unwrap_or(file.path);
    let save = |detector: &proof::Balanced<C, Vec<f32>>| {
        saved::save(save_to, detector.model().model(), &saved.vocabulary)?;
        saved::save_calibration(save_to, detector)
    };
    if options.learns {
        detector.set_doing(Doing::Learn);
        detector.set_guard(GUARD);
        save(&detector)?; // what can't be written is found before anything was learned
    }
    let from = options.data.as_deref().unwrap_or(Path::new("-"));
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", from.display());
    let input = keys::open(from).map_err(|error| failed(&error))?;
    let mut out = io::stdout().lock();
    // false where nobody reads on
    let mut show = |line: &str| match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        done => done.map(|()| true).map_err(|error| error.to_string()),
    };
    if options.output == Output::Tsv && !show(watch::HEADER)? {
        return Ok(String::new());
    }
    let (mut number, mut state) = (0, detector.guard().state());
    let done = keys::follow(input, options.format, |session| {
        number += 1;
        let events = keys::encode(&saved.vocabulary, saved.ids, session);
        let verdict = detector.session(&events).map_err(|error| error.to_string())?;
        if detector.guard().state() != state {
            state = detector.guard().state();
            if !options.is_quiet {
                eprintln!("session {number}: {}", watch::news(state));
            }
        }
        if options.learns && number % SAVE_EVERY == 0 {
            save(&detector)?;
        }
        let line = watch::line(options.output, number, session, &verdict, &saved.vocabulary);
        line.map_or(Ok(true), |line| show(&line))
    });
    if options.learns {
        save(&detector)?;
    }
    done.map(|()| String::new()).map_err(|error| failed(&error))
}

fn judge<C: Cell>(options: &Options, file: &File<'_>) -> Done {
    let saved = saved::load::<C>(file)?;
    let mut detector = saved::detector(file.path, &saved)?;
    let mut scores = |path: &Path| -> Result<(Vec<f32>, usize), String> {
        let (mut scores, mut odd) = (vec![], 0);
        for session in keys::read(path, options.format)? {
            let events = keys::encode(&saved.vocabulary, saved.ids, &session);
            let verdict = detector.session(&events).map_err(|error| error.to_string())?;
            scores.push(verdict.excess());
            odd += usize::from(verdict.is_odd);
        }
        if scores.is_empty() { Err(format!("{}: no sessions", path.display())) } else { Ok((scores, odd)) }
    };
    let (normal, false_alarms) = scores(needed(options.data.as_ref(), "--data")?)?;
    let (abnormal, found) = scores(needed(options.abnormal.as_ref(), "--abnormal")?)?;
    let [normals, abnormals] = [normal.len(), abnormal.len()].map(|count| count as f64);
    let counts = judge::Counts { false_alarms: false_alarms as f64, normal: normals, recall: found as f64 / abnormals };
    let figures = counts.figures(normals, abnormals);
    let curve = judge::roc(&normal, &abnormal);
    if let Some(to) = &options.roc {
        let picture = judge::svg(&curve, [counts.false_alarms / normals, counts.recall]);
        fs::write(to, picture).map_err(|error| format!("{}: {error}", to.display()))?;
    }
    let judge::Figures { precision, recall, f1, f1_interval: [low, high] } = figures;
    Ok(format!(
        "false alarms {false_alarms} of {normals}, found {found} of {abnormals}\n\
         precision {precision:.4}, recall {recall:.4}, F1 {f1:.4} ({low:.4} to {high:.4}), area {:.4}\n",
        judge::area(&curve)
    ))
}

fn proof<C: Cell>(options: &Options) -> Done {
    let named = options.data.clone().or_else(|| env::var_os("RNNLM_EVENTS").map(PathBuf::from));
    let Some(directory) = named else {
        return Ok("SKIPPED: no data. Name the directory of hdfs_train.txt and hdfs_test_abnormal.txt by --data or \
                   RNNLM_EVENTS.\nThey are in the folder data of github.com/wuyifan18/DeepLog, the former as \
                   hdfs_train, the latter as hdfs_test_abnormal.\n"
            .to_owned());
    };
    // of LSTMs those that come closest to the smaller tanh model from below, and to 10,000 parameters
    let (sizes, cell) = if options.is_lstm() { ([14, 39], "LSTM ") } else { ([32, 72], "") };
    let sizes = options.hidden.map_or_else(|| sizes.to_vec(), |hidden| vec![hidden]);
    let recipes = sizes.into_iter().map(|hidden| Recipe { hidden, ..options.recipe() }).collect();
    let (seeds, is_quiet) = (options.seeds.unwrap_or(3), options.is_quiet);
    let plan = proof::Plan { directory: &directory, seeds, cell, recipes, is_quiet };
    if options.is_validation { validation::table::<C>(&plan) } else { proof::table::<C>(&plan) }
}
