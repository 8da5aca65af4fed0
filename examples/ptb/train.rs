//! A run from its texts to its files.

use std::{
    io::{self, BufWriter},
    ops::ControlFlow,
};

use rnnlm::{
    Batches, Gradients, Isa, Progress, RnnlmTrainer, Sgd, SimpleRnnlm, StepError, TrainError, TrainingState,
    Vocabulary, Xorshift, perplexity,
};

use crate::{
    Failure,
    args::Options,
    evaluation::{Evaluation, no_prediction},
    files::Files,
    generate::generate,
    history::{self, Row},
    keeper::Keeper,
    output::Output,
    plot,
    progress::Report,
    saved::{self, Saved},
    settings::Settings,
    text::{self, HeldOut, Read, Source, Start, Texts},
    visible::visible,
};

type Model = SimpleRnnlm;
type Trainer = RnnlmTrainer;

/// An epoch with a perplexity above so many times the vocabulary size is lost: a guess has that size, and what training
/// unlearns for a while stays far below.
const MOST_ABOVE_GUESSING: f32 = 1000.0;

/// Does what the options ask for.
pub fn run(options: &Options) -> Result<(), Failure> {
    let isa = options.isa.unwrap_or(Ok(Isa::detect()))?;
    let source = Source::of(options);
    let files = Files::prepare(options, &source)?;
    let bytes = options.load.as_deref().map(saved::bytes).transpose()?;
    let saved =
        options.load.as_deref().zip(bytes.as_deref()).map(|(path, bytes)| Saved::new(path, bytes)).transpose()?;
    let read = Read::new(options, &source)?;
    let mut settings = Settings::new(options, saved.as_ref(), read.defaults(&source))?;
    let texts = text::load(options, &source, &settings, saved.as_ref(), read)?;
    let corpus = texts.train.as_deref().unwrap_or_default();
    let starts_anew = settings.starts_anew(texts.start);
    if starts_anew {
        settings.start_anew(corpus.len(), texts.start == Start::OtherText);
    }
    check(options, &settings, &texts)?;

    let mut config = settings.config;
    config.vocab_size = texts.vocabulary.len();
    let steps = match settings.trains() {
        true => Batches::new(corpus, config)?.steps_per_epoch(),
        false => 0,
    };
    let mut state = settings.state;
    let mut rng = Xorshift::new(state.seed);
    let mut model = SimpleRnnlm::new(config, &mut rng)?.with_isa(isa);
    match &saved {
        Some(saved) => saved.checkpoint.load(&mut model)?,
        None => state.rng = rng.state(),
    }
    if starts_anew {
        model.reset_state();
    }
    let report = Report::new(options.quiet, steps.saturating_mul(settings.epochs_left()));
    if source.is_built_in() && texts.train.is_some() {
        report.line(
            "no Penn Treebank text at hand: training on the built-in text \
             (sh examples/ptb-data.sh fetches the real one)",
        )?;
    }
    introduce(&report, &texts, &model, &settings, saved.as_ref().map(|saved| (saved, starts_anew)))?;

    let Files { csv, plot, save, best } = files;
    let keeper = Keeper::new(texts.vocabulary.to_lines()?, state)?;
    let keeper = keeper.with_files(config, save, options.save_every, best)?;
    let trainer = RnnlmTrainer::new(model, Sgd::new(state.learning_rate)?)?.with_eval_interval(1);
    let mut trainer = match state.max_norm.is_finite() {
        true => trainer.with_clipping(state.max_norm, Gradients::new(config)?)?,
        false => trainer,
    };
    trainer.resume(&state)?;
    drop(saved);
    drop(bytes);

    let mut run = Run { report, keeper, texts: &texts, rows: Vec::new(), last_valid: None };
    let trained = if settings.trains() { run.train(&mut trainer, corpus, settings.epochs) } else { Ok(()) };
    let state = trainer.training_state();
    let mut model = trainer.into_model();
    run.write(trained, (&model, &state), csv, plot)?;
    run.conclude(&mut model, settings.state.seed, options)
}

/// What needs something that isn't there.
fn check(options: &Options, settings: &Settings, texts: &Texts) -> Result<(), String> {
    let needs_valid = "needs a text to validate on: name one by --valid";
    if options.save_every.is_some() && options.save.is_none() {
        return Err("--save-every needs a file to save to: name one by --save".into());
    }
    if texts.valid.is_none() && options.save_best.is_some() {
        return Err(format!("--save-best {needs_valid}"));
    }
    if texts.valid.is_none() && settings.trains() && settings.state.decay != 1.0 {
        let decay = settings.state.decay;
        return Err(format!("--lr-decay {decay} {needs_valid}, or keep the rate by --lr-decay 1"));
    }
    Ok(())
}

/// What is known before the first step.
fn introduce(
    report: &Report,
    texts: &Texts,
    model: &Model,
    settings: &Settings,
    saved: Option<(&Saved<'_>, bool)>,
) -> Result<(), Failure> {
    let config = model.config();
    match texts.train.as_ref().map(Vec::len) {
        Some(tokens) => report.line(&format!("corpus size: {tokens}, vocabulary size: {}", config.vocab_size))?,
        None => report.line(&format!("vocabulary size: {}, and the text at hand has another", config.vocab_size))?,
    }
    for (name, held_out) in [("valid", &texts.valid), ("test", &texts.test)] {
        if let Some(HeldOut { ids, unknown }) = held_out {
            let (left_out, told) = match texts.vocabulary.id("<unk>") {
                None if *unknown > 0 => (*unknown, " (left out, as the vocabulary has no <unk>)"),
                _ => (0, ""),
            };
            report.line(&format!("{name} size: {}, unknown words: {unknown}{told}", ids.len() + left_out))?;
        }
    }
    let memory = config.memory()?;
    let clips = settings.state.max_norm.is_finite();
    let (parameters, bytes) = (memory.weights, if clips { memory.bytes_with_gradients() } else { memory.bytes() });
    report
        .line(&format!("{parameters} parameters, {bytes} bytes for training, {} instructions", model.isa().name()))?;
    for note in &texts.notes {
        report.line(note)?;
    }
    if let Some((Saved { path, .. }, starts_anew)) = saved {
        let (path, epoch) = (visible(path), settings.state.epoch);
        let end = if settings.trains() || settings.epochs == 0 {
            ""
        } else {
            ": nothing to train, as --epochs is not above it"
        };
        let why = match texts.start {
            Start::OtherText if settings.keeps_windows => "the text is another",
            _ => "--batch, --time or --tokens is another",
        };
        let anew = match starts_anew {
            true => format!("; reading and the hidden state start anew, as {why}"),
            false => String::new(),
        };
        report.line(&format!("loaded {path} at epoch {epoch}{anew}{end}"))?;
    }
    Ok(())
}

/// A run under way.
struct Run<'t> {
    report: Report,
    keeper: Keeper,
    texts: &'t Texts,
    rows: Vec<Row>,
    /// The valid text under the model of the last epoch.
    last_valid: Option<(f32, Evaluation)>,
}

impl Run<'_> {
    /// Trains until so many epochs are complete in all.
    fn train(&mut self, trainer: &mut Trainer, corpus: &[u32], epochs: usize) -> Result<(), Failure> {
        self.report.resume();
        let fitted = trainer.fit(corpus, epochs, |progress| match self.after_step(progress) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => ControlFlow::Break(failure),
        });
        let left = "the weights were left as they were";
        let how = match fitted {
            Err(TrainError::Step(StepError::NonFiniteLoss)) => format!("the loss is not finite, {left}"),
            Err(TrainError::Step(StepError::NonFiniteUpdate)) => format!("the update is not finite, {left}"),
            Err(error) => return Err(error.into()),
            Ok(stopped) => return stopped.map_or(Ok(()), Err),
        };
        Err(diverged(trainer.epoch() + 1, &how, &trainer.training_state()))
    }

    /// At the end of an epoch: evaluates, keeps the model, prints a line.
    fn after_step(&mut self, progress: Progress<'_>) -> Result<(), Failure> {
        self.report.step(progress.epoch)?;
        if !progress.is_epoch_end() {
            return Ok(());
        }
        self.report.pause();
        let (epoch, train, state) = (progress.epoch, progress.perplexity(), progress.training_state());
        let vocab_size = self.texts.vocabulary.len();
        let is_sound = train <= MOST_ABOVE_GUESSING * vocab_size as f32;
        let evaluated = match is_sound {
            true => evaluate(progress.model, self.texts.valid.as_ref(), &self.texts.vocabulary),
            false => Ok(None),
        };
        let loss = evaluated.ok().flatten().map(|(loss, _)| loss);
        let valid = loss.map(perplexity);
        self.rows.push(Row { epoch, train, valid });
        let held_out = valid.map(|valid| format!(" | valid {valid:.2}")).unwrap_or_default();
        self.report.line(&format!("| epoch {epoch} | perplexity {train:.2}{held_out}"))?;
        if !is_sound {
            let how = format!("its perplexity is {train:.1e}, where a guess among {vocab_size} words has {vocab_size}");
            return Err(diverged(epoch, &how, &state));
        }
        self.last_valid = match evaluated {
            Err(StepError::NonFiniteLoss) => {
                return Err(diverged(epoch, "the loss on the held-out text is not finite", &state));
            }
            evaluated => evaluated?,
        };
        for warning in self.keeper.after_epoch(progress, loss)? {
            self.report.warn(&format!("{warning}: tried again after each epoch"));
        }
        self.report.resume();
        Ok(())
    }

    /// Writes all files after training, and tells of all that went wrong. Where an error stopped it, its last state is
    /// not saved, but the curves of the epochs done are; without an epoch done, those of an older run stay.
    fn write(
        &mut self,
        trained: Result<(), Failure>,
        last: (&Model, &TrainingState),
        csv: Option<Output>,
        plot: Option<Output>,
    ) -> Result<(), Failure> {
        let is_done = trained.is_ok();
        let mut failures = Vec::from_iter(trained.err().map(|error| error.to_string()));
        failures.extend(self.keeper.finish(is_done.then_some(last)));
        if is_done || !self.rows.is_empty() {
            let csv = csv.map(|csv| csv.write(history::csv(&self.rows, self.texts.valid.is_some()).as_bytes()));
            let plot = plot.map(|plot| plot.write(plot::svg(&self.rows, self.texts.true_perplexity).as_bytes()));
            failures.extend([csv, plot].into_iter().flatten().filter_map(Result::err));
        }
        if failures.is_empty() { Ok(()) } else { Err(failures.join("; ").into()) }
    }

    /// Tells how good the model is, and lets it make up text.
    fn conclude(&self, model: &mut Model, seed: u64, options: &Options) -> Result<(), Failure> {
        let (Texts { vocabulary, valid, test, true_perplexity, .. }, report) = (self.texts, &self.report);
        // the valid text has been told of after an epoch
        let valid = match self.last_valid {
            Some(valid) => Some(valid),
            None => evaluate(model, valid.as_ref(), vocabulary).map_err(no_prediction)?,
        };
        let test = evaluate(model, test.as_ref(), vocabulary).map_err(no_prediction)?;
        for (name, evaluated, is_told) in [("valid", valid, self.last_valid.is_some()), ("test", test, false)] {
            let Some((loss, evaluation)) = evaluated else { continue };
            let reached = perplexity(loss);
            if let Some(known) = evaluation.perplexity_of_known() {
                let (unknown, all) = (evaluation.unknown(), evaluation.tokens());
                report.line(&format!(
                    "{name} perplexity: {reached:.2} ({known:.2} without <unk>, which {unknown} of {all} tokens are)"
                ))?;
            } else if !is_told {
                report.line(&format!("{name} perplexity: {reached:.2}"))?;
            }
        }
        if let Some(best) = true_perplexity {
            report.line(&format!("best reachable perplexity: {best:.2}"))?;
        }
        if options.generate > 0 {
            generate(model, vocabulary, seed, options, &mut BufWriter::new(io::stdout().lock()))?;
        }
        report.last_line(&format!("steps/s: {:.1}", report.steps_per_second()))?;
        Ok(())
    }
}

/// Why training stops, and what to change.
fn diverged(epoch: usize, how: &str, state: &TrainingState) -> Failure {
    let TrainingState { learning_rate, max_norm, .. } = state;
    let clip = match max_norm.is_finite() {
        true => format!("--clip (now {max_norm:?})"),
        false => "limit the gradients by --clip 0.25".into(),
    };
    format!("the run diverged in epoch {epoch}, {how}: lower --lr (now {learning_rate:?}), or {clip}").into()
}

/// The loss on a held-out text, if there is one, and what belongs to it.
fn evaluate(
    model: &mut Model,
    held_out: Option<&HeldOut>,
    vocabulary: &Vocabulary,
) -> Result<Option<(f32, Evaluation)>, StepError> {
    let Some(HeldOut { ids, .. }) = held_out else { return Ok(None) };
    let mut evaluation = Evaluation::new(vocabulary.id("<unk>"));
    let loss = model.score(ids, |score| evaluation.add(score))?;
    Ok(Some((loss, evaluation)))
}
