//! Trains a small recurrent language model on text: by default the book's experiment on the Penn Treebank, or on a built-in
//! text where that is not at hand. `--help` lists the flags.

mod args;
mod grammar;
mod output;
mod progress;
mod text;

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    num::NonZeroUsize,
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
};

use args::{Command, Options};
use output::Output;
use progress::Report;
use rnnlm::{Config, Isa, Progress, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift, perplexity};
use text::{HeldOut, Texts};

type Failure = Box<dyn Error>;

fn main() -> ExitCode {
    let failed = |error: Failure, code| {
        // where nobody listens, the exit code must do
        let _ = writeln!(io::stderr(), "ptb: {error}");
        ExitCode::from(code)
    };
    match args::parse(env::args_os().skip(1)) {
        Err(message) => failed(message.into(), 2),
        Ok(Command::Help) => match Report::new(false, 0).line(args::help().trim_end()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(error.into(), 1),
        },
        Ok(Command::Train(options)) => match train(&options) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed(error, 1),
        },
    }
}

fn train(options: &Options) -> Result<(), Failure> {
    let isa = options.isa.unwrap_or(Ok(Isa::detect()))?;
    let real = |path: &Option<PathBuf>| path.as_deref().and_then(|path| fs::canonicalize(path).ok());
    if real(&options.csv).is_some_and(|csv| real(&options.data) == Some(csv)) {
        return Err("--csv and --data name the same file: the text would be lost".into());
    }
    let csv = options.csv.as_deref().map(Output::prepare).transpose()?;
    let texts = text::load(options)?;
    let Texts { train, tokens, valid, test, true_perplexity } = &texts;
    let corpus = train.ids().get(..*tokens).unwrap_or(train.ids());
    let is_built_in = true_perplexity.is_some();

    let or = |given: Option<NonZeroUsize>, default| given.map_or(default, NonZeroUsize::get);
    let config = Config {
        vocab_size: train.vocabulary().len(),
        wordvec_size: or(options.wordvec, 100),
        hidden_size: or(options.hidden, 100),
        batch_size: or(options.batch, 10),
        time_size: or(options.time, 5),
    };
    let epochs = options.epochs.unwrap_or(if is_built_in { 12 } else { 100 });
    let learning_rate = options.lr.unwrap_or(if is_built_in { 0.2 } else { 0.1 });
    let steps = rnnlm::Batches::new(corpus, config.batch_size, config.time_size)?.steps_per_epoch();
    let model = SimpleRnnlm::new(config, &mut Xorshift::new(options.seed.unwrap_or(1)))?.with_isa(isa);
    let mut report = Report::new(options.quiet, steps.saturating_mul(epochs));

    if is_built_in {
        report.line(
            "no Penn Treebank text at hand: training on the built-in text (sh examples/ptb-data.sh fetches the real one)",
        )?;
    }
    report.line(&format!("corpus size: {}, vocabulary size: {}", corpus.len(), config.vocab_size))?;
    for (name, held_out) in [("valid", valid), ("test", test)] {
        if let Some(HeldOut { ids, unknown }) = held_out {
            report.line(&format!("{name} size: {}, unknown words: {unknown}", ids.len()))?;
        }
    }
    let memory = config.memory()?;
    let (parameters, bytes) = (memory.weights, memory.bytes());
    report.line(&format!("{parameters} parameters, {bytes} bytes for training, {} instructions", isa.name()))?;

    let mut rows = String::from(if valid.is_some() { "epoch,perplexity,valid\n" } else { "epoch,perplexity\n" });
    let mut trainer = RnnlmTrainer::new(model, Sgd::new(learning_rate)?)?.with_eval_interval(1);
    // an error inside the callback stops training and is told afterwards
    let mut outcome: Result<(), Failure> = Ok(());
    report.resume();
    trainer.fit(corpus, epochs, |progress| {
        outcome = after_step(progress, &mut report, valid.as_ref(), &mut rows);
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    outcome?;
    if let Some(csv) = csv {
        csv.write(rows.as_bytes())?;
    }

    // after an epoch the valid text has been evaluated already
    let untold = valid.as_ref().filter(|_| epochs == 0);
    for (name, held_out) in [("valid", untold), ("test", test.as_ref())] {
        if let Some(HeldOut { ids, .. }) = held_out {
            let reached = perplexity(trainer.model_mut().evaluate(ids)?);
            report.line(&format!("{name} perplexity: {reached:.2}"))?;
        }
    }
    if let Some(best) = true_perplexity {
        report.line(&format!("best reachable perplexity: {best:.2}"))?;
    }
    report.last_line(&format!("steps/s: {:.1}", report.steps_per_second()))?;
    Ok(())
}

/// At the end of an epoch: evaluates, prints a line and adds a row for the CSV file.
fn after_step(
    progress: Progress<'_, Vec<f32>>,
    report: &mut Report,
    valid: Option<&HeldOut>,
    rows: &mut String,
) -> Result<(), Failure> {
    report.step(progress.epoch)?;
    if !progress.is_epoch_end() {
        return Ok(());
    }
    report.pause();
    let (epoch, reached) = (progress.epoch, progress.perplexity());
    let mut line = format!("| epoch {epoch} | perplexity {reached:.2}");
    write!(rows, "{epoch},{reached}")?;
    if let Some(HeldOut { ids, .. }) = valid {
        let held_out = perplexity(progress.model.evaluate(ids)?);
        write!(line, " | valid {held_out:.2}")?;
        write!(rows, ",{held_out}")?;
    }
    rows.push('\n');
    report.line(&line)?;
    report.resume();
    Ok(())
}
