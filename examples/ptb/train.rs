//! A run from its texts to its files.

use std::{
    io::{self, BufWriter},
    num::NonZeroUsize,
    ops::ControlFlow,
    path::PathBuf,
};

use rnnlm::{
    Batches, Cell, Gradients, Isa, LstmCell, RnnlmTrainer, Sgd, StepError, TanhCell, TrainError, TrainingState,
    Vocabulary, Xorshift, perplexity,
};

use crate::{
    Failure,
    args::Options,
    continuation::{Sampling, go_on},
    evaluation::{Evaluation, RANKS, no_prediction, recall},
    files::Files,
    history::{Curve, Form, Row},
    keeper::Keeper,
    line::Line,
    progress::{Moment, Plan, Report, short},
    saved::{self, Saved},
    settings::Settings,
    text::{self, HeldOut, Read, Source, Start, Texts},
    threads::{self, Model, Step, Trainer},
    visible::visible,
};

/// An epoch with a perplexity above so many times the vocabulary size is lost: a guess has that size, and what training
/// unlearns for a while stays far below.
const MOST_ABOVE_GUESSING: f32 = 1000.0;

/// Does what the options ask for.
pub fn run(options: &Options) -> Result<(), Failure> {
    let isa = options.isa.unwrap_or(Ok(Isa::detect()))?;
    let source = Source::of(options);
    let files = Files::prepare(options, &source)?;
    let bytes = options.load.as_deref().map(saved::bytes).transpose()?;
    let loaded = options.load.as_deref().zip(bytes.as_deref());
    let of_file = loaded.map(|(_, bytes)| saved::is_lstm(bytes));
    if let (Some(named), Some(of_file), Some((path, _))) = (options.lstm, of_file, loaded)
        && named != of_file
    {
        let [named, of_file] = [named, of_file].map(|is_lstm| if is_lstm { "lstm" } else { "rnn" });
        let path = visible(path);
        return Err(format!("--cell {named} contradicts {path}, which has {of_file}: leave the flag out").into());
    }
    if of_file.or(options.lstm).unwrap_or(false) {
        run_with::<LstmCell>(options, Prepared { isa, source, files, bytes })
    } else {
        run_with::<TanhCell>(options, Prepared { isa, source, files, bytes })
    }
}

/// What is there before the cell is known.
struct Prepared {
    isa: Isa,
    source: Source,
    files: Files,
    /// Those of the file to load.
    bytes: Option<Vec<u8>>,
}

/// With this cell.
fn run_with<C: Cell>(options: &Options, prepared: Prepared) -> Result<(), Failure> {
    let Prepared { isa, source, files, bytes } = prepared;
    let loaded = options.load.as_deref().zip(bytes.as_deref());
    let saved = loaded.map(|(path, bytes)| Saved::<C>::new(path, bytes)).transpose()?;
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
    let pool = threads::start(options.threads, &config)?;
    let (scratch, threads) = threads::told::<C>(&pool, &config)?;
    let mut model = threads::model::<C>(config, &mut rng, pool)?.with_isa(isa);
    match &saved {
        Some(saved) => saved.checkpoint.load(&mut model)?,
        None => state.rng = rng.state(),
    }
    if starts_anew {
        model.reset_state();
    }
    let Files { csv, plot, save, best, int8 } = files;
    // where nothing is trained, what is found stays as it is
    let epoch = if settings.trains() { settings.state.epoch } else { 0 };
    let curve = |output, path: &Option<PathBuf>, form| {
        let found = Option::zip(output, path.as_deref());
        found.map(|(output, path)| Curve::new(output, path, form, epoch)).transpose()
    };
    let curves = [curve(csv, &options.csv, Form::Csv)?, curve(plot, &options.plot, Form::Plot)?];
    let plan = Plan { epochs: settings.epochs, steps: steps.saturating_mul(settings.epochs_left()) };
    let mut report = Report::new(options.quiet, options.log_every, plan);
    if source.is_built_in() && texts.train.is_some() {
        report.line(
            "no Penn Treebank text at hand: training on the built-in text \
             (sh examples/ptb-data.sh fetches the real one)",
        )?;
    }
    let saved_as = saved.as_ref().map(|saved| (saved, starts_anew));
    introduce(&mut report, &texts, &model, (scratch, &threads), &settings, saved_as)?;

    for told in curves.iter().flatten().filter_map(|(_, told)| told.as_ref()) {
        report.line(told)?;
    }
    let curves = curves.into_iter().flatten().map(|(curve, _)| curve).collect();
    let keeper = Keeper::new(texts.vocabulary.to_lines()?, state)?.with_decay_from(options.decay_from);
    let keeper = keeper.with_files::<C>(config, save, options.save_every, best)?.with_int8(int8);
    let trainer = RnnlmTrainer::new(model, Sgd::new(state.learning_rate)?)?.with_eval_interval(1);
    let mut trainer = match state.max_norm.is_finite() {
        true => trainer.with_clipping(state.max_norm, Gradients::new_as(config)?)?,
        false => trainer,
    };
    trainer.resume(&state)?;
    drop(saved);
    drop(bytes);

    let mut run = Run {
        report,
        keeper,
        curves,
        patience: options.patience,
        texts: &texts,
        rows: Vec::new(),
        last_valid: None,
        last_line: String::new(),
    };
    let trained = if settings.trains() { run.train(&mut trainer, corpus, settings.epochs) } else { Ok(()) };
    let state = trainer.training_state();
    let mut model = trainer.into_model();
    run.write(trained, (&model, &state))?;
    run.conclude(&mut model, settings.state.seed, options)
}

/// What needs something that isn't there.
fn check(options: &Options, settings: &Settings, texts: &Texts) -> Result<(), String> {
    let needs_valid = "needs a text to validate on: name one by --valid";
    if options.save_every.is_some() && options.save.is_none() {
        return Err("--save-every needs a file to save to: name one by --save".into());
    }
    for (flag, is_given) in [("--save-best", options.save_best.is_some()), ("--patience", options.patience.is_some())] {
        if texts.valid.is_none() && is_given {
            return Err(format!("{flag} {needs_valid}"));
        }
    }
    // a decay that the file brings into another text rests
    let is_wanted = options.lr_decay.is_some() || settings.state.best_loss.is_finite();
    let decay = settings.state.decay;
    if options.decay_from.is_some() && decay == 1.0 {
        return Err("--decay-from divides by nothing: name --lr-decay too".into());
    }
    let needs_it = options.decay_from.is_none() && is_wanted && decay != 1.0;
    if texts.valid.is_none() && settings.trains() && needs_it {
        return Err(format!("--lr-decay {decay} {needs_valid}, or keep the rate by --lr-decay 1"));
    }
    Ok(())
}

/// What is known before the first step.
fn introduce<C: Cell>(
    report: &mut Report,
    texts: &Texts,
    model: &Model<C>,
    (scratch, threads): (usize, &str),
    settings: &Settings,
    saved: Option<(&Saved<'_, C>, bool)>,
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
    let memory = config.memory_of::<C>()?;
    let clips = settings.state.max_norm.is_finite();
    let bytes = scratch + if clips { memory.bytes_with_gradients() } else { memory.bytes() };
    let (parameters, isa) = (memory.weights, model.isa().name());
    report.line(&format!("{parameters} parameters, {bytes} bytes for training, {isa} instructions{threads}"))?;
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
    curves: Vec<Curve>,
    patience: Option<NonZeroUsize>,
    texts: &'t Texts,
    rows: Vec<Row>,
    /// The valid text under the model of the last epoch.
    last_valid: Option<(f32, Evaluation)>,
    /// What was told of the last epoch.
    last_line: String,
}

/// Why training ends before its last epoch.
enum Stop {
    Failure(Failure),
    Patience,
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failure(error.into())
    }
}

impl Run<'_> {
    /// Trains until so many epochs are complete in all.
    fn train<C: Cell>(&mut self, trainer: &mut Trainer<C>, corpus: &[u32], epochs: usize) -> Result<(), Failure> {
        self.report.resume();
        let fitted = trainer.fit(corpus, epochs, |progress| match self.after_step(progress) {
            Ok(()) => ControlFlow::Continue(()),
            Err(stop) => ControlFlow::Break(stop),
        });
        let left = "the weights were left as they were";
        let how = match fitted {
            Err(TrainError::Step(StepError::NonFiniteLoss)) => format!("the loss is not finite, {left}"),
            Err(TrainError::Step(StepError::NonFiniteUpdate)) => format!("the update is not finite, {left}"),
            Err(error) => return Err(error.into()),
            Ok(Some(Stop::Failure(failure))) => return Err(failure),
            Ok(Some(Stop::Patience) | None) => return Ok(()),
        };
        Err(diverged(trainer.epoch() + 1, &how, &trainer.training_state()))
    }

    /// At the end of an epoch: evaluates, keeps the model, prints a line.
    fn after_step<C: Cell>(&mut self, progress: Step<'_, C>) -> Result<(), Stop> {
        let Step { epoch, iteration, iterations, .. } = progress;
        let learning_rate = progress.optimizer.learning_rate();
        self.report.step(Moment { epoch, iteration, iterations, learning_rate }, || progress.perplexity())?;
        if !progress.is_epoch_end() {
            return Ok(());
        }
        self.report.pause();
        let (train, state) = (progress.perplexity(), progress.training_state());
        let vocab_size = self.texts.vocabulary.len();
        let is_sound = train <= MOST_ABOVE_GUESSING * vocab_size as f32;
        let evaluated = match is_sound {
            true => evaluate(progress.model, self.texts.valid.as_ref(), &self.texts.vocabulary),
            false => Ok(None),
        };
        let loss = evaluated.ok().flatten().map(|(loss, _)| loss);
        let valid = loss.map(perplexity);
        self.rows.push(Row { epoch, train, valid, learning_rate: Some(learning_rate) });
        let held_out = valid.map(|valid| format!(" | valid {valid:.2}")).unwrap_or_default();
        self.last_line = format!("| epoch {epoch} | perplexity {train:.2}{held_out} | lr {}", short(learning_rate));
        self.report.line(&self.last_line)?;
        if !is_sound {
            let how = format!("its perplexity is {train:.1e}, where a guess among {vocab_size} words has {vocab_size}");
            return Err(Stop::Failure(diverged(epoch, &how, &state)));
        }
        self.last_valid = match evaluated {
            Err(StepError::NonFiniteLoss) => {
                return Err(Stop::Failure(diverged(epoch, "the loss on the held-out text is not finite", &state)));
            }
            evaluated => evaluated?,
        };
        self.keep(progress, loss)?;
        self.report.resume();
        Ok(())
    }

    /// Keeps model and curves where it is time to; stops where the validation has been no better for too long.
    fn keep<C: Cell>(&mut self, progress: Step<'_, C>, valid: Option<f32>) -> Result<(), Stop> {
        // before the model: a run that goes on from it finds the curve that far. What fails here is tried again later,
        // at the end at the latest, and told of then
        if self.keeper.is_save_due(progress.epoch) {
            let _ = self.write_curves();
        }
        for warning in self.keeper.after_epoch(progress, valid)? {
            self.report.warn(&format!("{warning}: tried again after each epoch"));
        }
        let stale = self.keeper.stale();
        if self.patience.is_some_and(|patience| stale >= patience.get()) {
            let epochs = if stale == 1 { "epoch" } else { "epochs in a row" };
            self.report.line(&format!("stopped by --patience: {stale} {epochs} without a better validation"))?;
            return Err(Stop::Patience);
        }
        Ok(())
    }

    fn write_curves(&self) -> Vec<String> {
        let Texts { valid, true_perplexity, .. } = self.texts;
        let written = self.curves.iter().map(|curve| curve.write(&self.rows, valid.is_some(), *true_perplexity));
        written.filter_map(Result::err).collect()
    }

    /// Writes all files after training, and tells of all that went wrong. Where an error stopped it, its last state is
    /// not saved, but the curves of the epochs done are; without an epoch done, those of an older run stay.
    fn write<C: Cell>(
        &mut self,
        trained: Result<(), Failure>,
        last: (&Model<C>, &TrainingState),
    ) -> Result<(), Failure> {
        let is_done = trained.is_ok();
        let mut failures = Vec::from_iter(trained.err().map(|error| error.to_string()));
        // before the model, as at each save
        let curves = if is_done || !self.rows.is_empty() { self.write_curves() } else { Vec::new() };
        failures.extend(self.keeper.finish(is_done.then_some(last)));
        failures.extend(curves);
        if failures.is_empty() { Ok(()) } else { Err(failures.join("; ").into()) }
    }

    /// Tells how good the model is, and lets it make up text.
    fn conclude<C: Cell>(&mut self, model: &mut Model<C>, seed: u64, options: &Options) -> Result<(), Failure> {
        let Texts { vocabulary, valid, test, true_perplexity, .. } = self.texts;
        if self.report.is_quiet() && !self.last_line.is_empty() {
            self.report.last_line(&self.last_line)?;
        }
        // the valid text has been told of after an epoch
        let is_told = self.last_valid.is_some();
        let valid = match self.last_valid {
            Some(valid) => Some(valid),
            None => evaluate(model, valid.as_ref(), vocabulary).map_err(no_prediction)?,
        };
        let test = evaluate(model, test.as_ref(), vocabulary).map_err(no_prediction)?;
        for (name, evaluated, is_told) in [("valid", valid, is_told), ("test", test, false)] {
            let Some((loss, evaluation)) = evaluated else { continue };
            let reached = perplexity(loss);
            let (unknown, all) = (evaluation.unknown(), evaluation.all.count);
            if let (Some(known), 1..) = (evaluation.known.perplexity(), unknown) {
                self.report.last_line(&format!(
                    "{name} perplexity: {reached:.2} ({known:.2} without <unk>, which {unknown} of {all} tokens are)"
                ))?;
            } else if !is_told {
                self.report.last_line(&format!("{name} perplexity: {reached:.2}"))?;
            }
            if evaluation.left_out > 0 {
                let words = evaluation.left_out;
                self.report.last_line(&format!("{name} text: {words} unknown words left out of the perplexity"))?;
            }
            self.report.line(&format!("{name} {}", recall(&evaluation, RANKS.len())))?;
        }
        if let Some(best) = true_perplexity {
            self.report.line(&format!("best reachable perplexity: {best:.2} on held-out text"))?;
        }
        if options.generate > 0 {
            self.make_up(model, seed, options)?;
        }
        let rate = self.report.steps_per_second();
        Ok(self.report.last_line(&format!("steps/s: {rate:.1}"))?)
    }

    /// Prints what the model makes up.
    fn make_up<C: Cell>(&self, model: &Model<C>, seed: u64, options: &Options) -> Result<(), Failure> {
        let vocabulary = &self.texts.vocabulary;
        let prompt = text::tokenizer(options).apply(&options.prompt);
        let prompt = Line::read(&prompt, vocabulary);
        if let Some(note) = prompt.note() {
            self.report.warn(&format!("--prompt: {note}"));
        }
        let temperature = options.temperature.unwrap_or(1.0);
        let sampling = Sampling { count: options.generate, temperature, top: options.top, seed };
        go_on(model, vocabulary, &prompt, sampling, &mut BufWriter::new(io::stdout().lock()))
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
fn evaluate<C: Cell>(
    model: &mut Model<C>,
    held_out: Option<&HeldOut>,
    vocabulary: &Vocabulary,
) -> Result<Option<(f32, Evaluation)>, StepError> {
    let Some(HeldOut { ids, unknown }) = held_out else { return Ok(None) };
    let unk = vocabulary.id("<unk>");
    let mut evaluation = Evaluation::new(unk);
    if unk.is_none() {
        evaluation.left_out = *unknown;
    }
    let loss = model.score(ids, |score| evaluation.add(score))?;
    Ok(Some((loss, evaluation)))
}
