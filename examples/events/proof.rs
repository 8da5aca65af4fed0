//! Figures by one protocol: five folds of the normal sessions, the threshold from normal sessions alone, baselines
//! beside it.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
    path::Path,
    time::Instant,
};

use rnnlm::{
    AlignedVec, Balance, Cell, Detector, Doing, EventIds, FalseAlarms, Model, OnlineLearner, Vocabulary, Xorshift,
};

use crate::{
    judge::Counts,
    keys::{self, Format, Sessions},
    train::{Recipe, shuffle, train},
};

pub const FOLDS: usize = 5;
/// The normal sessions of the whole set, which F1 is scaled to.
const ALL_NORMAL: f64 = 553_366.0;
/// The file of the normal sessions.
pub const NORMAL: &str = "hdfs_train.txt";
/// The wished rate of false alarms where none is named.
pub const RATE: f32 = 0.001;
/// Those of the table.
const RATES: [f32; 3] = [0.0005, 0.001, 0.002];

/// A detector that learns, and looks at the balance of a session's events.
pub type Balanced<C, L = AlignedVec> =
    Detector<OnlineLearner<AlignedVec, AlignedVec, AlignedVec, Vec<u32>, C>, L, Vec<u32>>;

/// The detector of a model, measured and calibrated by these sessions, and its threshold for each wished rate: it has
/// the first.
pub fn calibrated<'m, C: Cell>(
    model: Model<C>,
    ids: EventIds,
    normal: impl Iterator<Item = &'m [u32]> + Clone,
    rates: &[f32],
) -> Result<(Balanced<C>, Vec<rnnlm::Threshold>), rnnlm::Error> {
    let balance = Balance::new(ids.vocab_size as usize)?;
    let mut detector = Detector::new(OnlineLearner::new(model, 0.1)?, ids)?.with_balance(balance)?;
    detector.set_doing(Doing::Measure);
    for session in normal.clone() {
        detector.session(session)?;
    }
    detector.set_doing(Doing::Watch);
    let mut alarms = FalseAlarms::new(vec![0; 9600]);
    for session in normal {
        alarms.add(detector.session(session)?.excess());
    }
    let thresholds: Vec<_> = rates.iter().map(|&rate| alarms.threshold(rate)).collect();
    if let Some(threshold) = thresholds.first() {
        detector.set_threshold(threshold.excess);
    }
    Ok((detector, thresholds))
}

/// A detector's ways to judge: by each of the rates with the balance, by each without, and by the balance alone. A
/// baseline has one.
const WAYS: usize = 2 * RATES.len() + 1;

/// What judges a session of keys as odd, in each of the ways.
type Rule<'r> = Box<dyn FnMut(&[String]) -> Result<[bool; WAYS], rnnlm::Error> + 'r>;

/// The parts of a session by which a baseline knows it.
fn grams(session: &[String], n: usize) -> Vec<Vec<&str>> {
    let marked: Vec<&str> = ["<s>"].into_iter().chain(session.iter().map(String::as_str)).chain(["</s>"]).collect();
    marked.windows(n).map(<[_]>::to_vec).collect()
}

/// How often each key occurs, whatever the order.
fn counts(session: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> = session.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted
}

fn unseen_gram<'r>(training: &[&'r Vec<String>], n: usize) -> Rule<'r> {
    let known: HashSet<Vec<&str>> = training.iter().flat_map(|session| grams(session, n)).collect();
    Box::new(move |session| Ok([grams(session, n).iter().any(|gram| !known.contains(gram)); WAYS]))
}

fn unseen_counts<'r>(training: &[&'r Vec<String>]) -> Rule<'r> {
    let known: HashSet<Vec<&str>> = training.iter().map(|session| counts(session)).collect();
    Box::new(move |session| Ok([!known.contains(&counts(session)); WAYS]))
}

/// A model that was trained, with its sessions.
pub struct Trained<C> {
    pub vocabulary: Vocabulary,
    pub ids: EventIds,
    pub encoded: Vec<Vec<u32>>,
    pub model: Model<C>,
}

impl<C: Cell> Trained<C> {
    /// The model's parameters and the seconds of its training, the longest of several, go to `notes`.
    pub fn new(training: &[&Vec<String>], recipe: Recipe, notes: &mut [f64; 2]) -> Result<Self, rnnlm::Error> {
        let vocabulary = keys::vocabulary(training.iter().copied(), 1)?;
        let ids = keys::ids(&vocabulary).ok_or(rnnlm::ConfigError::ShapesDiffer)?;
        let encoded: Vec<_> = training.iter().map(|session| keys::encode(&vocabulary, ids, session)).collect();
        let start = Instant::now();
        let model = train(ids, &encoded, recipe)?;
        notes[0] = model.weights_block().len() as f64;
        notes[1] = notes[1].max(start.elapsed().as_secs_f64());
        Ok(Self { vocabulary, ids, encoded, model })
    }
}

/// A trained detector as a rule.
fn detector<'r, C: Cell>(
    training: &[&Vec<String>],
    recipe: Recipe,
    notes: &mut [f64; 2],
) -> Result<Rule<'r>, rnnlm::Error> {
    let Trained::<C> { vocabulary, ids, encoded, model } = Trained::new(training, recipe, notes)?;
    let (mut detector, thresholds) = calibrated(model, ids, encoded.iter().map(Vec::as_slice), &RATES)?;
    Ok(Box::new(move |session| {
        let verdict = detector.session(&keys::encode(&vocabulary, ids, session))?;
        let (worst, is_out_of_balance) = (verdict.worst, verdict.imbalance.is_some());
        let mut odd = [is_out_of_balance || worst.is_new; WAYS];
        for (i, threshold) in thresholds.iter().enumerate() {
            odd[i + RATES.len()] = worst.excess > threshold.excess;
            odd[i] = odd[i + RATES.len()] || is_out_of_balance;
        }
        Ok(odd)
    }))
}

/// Where a rule comes from.
#[derive(Clone, Copy, Debug)]
enum Judge {
    /// A part of so many keys that training lacks.
    Grams(usize),
    /// Keys in numbers that no session of training has.
    Counts,
    Detector(Recipe),
}

/// What is compared.
pub struct Plan<'p> {
    /// Of the log keys.
    pub directory: &'p Path,
    /// How often the folds are dealt anew.
    pub seeds: u64,
    /// What stands in front of the sizes of a model; nothing for the tanh cell.
    pub cell: &'static str,
    pub recipes: Vec<Recipe>,
    pub is_quiet: bool,
}

impl Plan<'_> {
    pub fn sessions(&self, file: &str) -> Result<Sessions, String> {
        keys::read(&self.directory.join(file), Format::Keys)
    }

    fn name(&self, judge: Judge) -> String {
        match judge {
            Judge::Grams(n) => format!("unseen {n}-gram"),
            Judge::Counts => "unseen counts".to_owned(),
            Judge::Detector(recipe) => self.model(recipe),
        }
    }

    pub fn model(&self, recipe: Recipe) -> String {
        format!("{}D={} H={}", self.cell, recipe.wordvec, recipe.hidden)
    }
}

/// What a rule did, in each of the ways.
struct Pooled {
    counts: [Counts; WAYS],
    notes: [f64; 2],
}

/// The table of figures, for detectors with this cell. The error is a message for the user.
pub fn table<C: Cell>(plan: &Plan<'_>) -> Result<String, String> {
    let (normal, abnormal) = (plan.sessions(NORMAL)?, plan.sessions("hdfs_test_abnormal.txt")?);
    let seeds = plan.seeds;
    let mut text = format!(
        "{} normal sessions, {} abnormal; {FOLDS} folds, seeds 11 to {}\n\n\
         | rule | wished rate | parameters | false alarms | recall | precision | F1 | 95% interval |\n\
         |---|---|---|---|---|---|---|---|\n",
        normal.len(),
        abnormal.len(),
        10 + seeds,
    );
    let detectors = plan.recipes.iter().map(|&recipe| Judge::Detector(recipe));
    for judge in [Judge::Grams(2), Judge::Grams(3), Judge::Counts].into_iter().chain(detectors) {
        let name = plan.name(judge);
        let pooled = pooled::<C>(judge, &normal, &abnormal, seeds).map_err(|error| error.to_string())?;
        let [parameters, seconds] = pooled.notes;
        let is_detector = parameters > 0.0;
        for (way, counts) in pooled.counts.iter().enumerate().take(if is_detector { WAYS } else { 1 }) {
            let figures = counts.figures(ALL_NORMAL, abnormal.len() as f64);
            let [low, high] = figures.f1_interval;
            let (precision, recall, f1, alarms) = (figures.precision, figures.recall, figures.f1, counts.false_alarms);
            let kind = match way / RATES.len() {
                _ if !is_detector => "",
                0 => ", balance",
                1 => "",
                _ => ": balance and unseen keys alone",
            };
            let (wished, parameters) = if is_detector && way < 2 * RATES.len() {
                (format!("{:.2}%", 100.0 * RATES[way % RATES.len()]), parameters.to_string())
            } else {
                Default::default()
            };
            let _ = writeln!(
                text,
                "| {name}{kind} | {wished} | {parameters} | {alarms:.1} | {recall:.4} | {precision:.4} | {f1:.4} | \
                 {low:.4} to {high:.4} |"
            );
        }
        if !plan.is_quiet {
            eprintln!("{name}: done, slowest training {seconds:.1} s");
        }
    }
    Ok(text)
}

/// The sessions in the order of a deal.
pub fn dealt(sessions: &Sessions, seed: u64) -> Vec<&Vec<String>> {
    let mut order: Vec<&Vec<String>> = sessions.iter().collect();
    shuffle(&mut order, &mut Xorshift::new(seed));
    order
}

/// Those folds of a deal that are chosen.
pub fn folds<'s>(order: &[&'s Vec<String>], is_chosen: impl Fn(usize) -> bool) -> Vec<&'s Vec<String>> {
    order.iter().enumerate().filter(|(i, _)| is_chosen(i % FOLDS)).map(|(_, session)| *session).collect()
}

fn pooled<C: Cell>(judge: Judge, normal: &Sessions, abnormal: &Sessions, seeds: u64) -> Result<Pooled, rnnlm::Error> {
    // equal sessions are judged once
    let mut distinct: HashMap<&Vec<String>, f64> = HashMap::new();
    for session in abnormal {
        *distinct.entry(session).or_default() += 1.0;
    }
    let mut distinct: Vec<_> = distinct.into_iter().collect();
    distinct.sort_unstable_by(|a, b| a.0.cmp(b.0));
    let (mut false_alarms, mut found, mut notes) = ([0.0; WAYS], [0.0; WAYS], [0.0; 2]);
    for seed in 11..11 + seeds {
        let order = dealt(normal, seed);
        for fold in 0..FOLDS {
            let (training, held) = (folds(&order, |at| at != fold), folds(&order, |at| at == fold));
            let mut rule = match judge {
                Judge::Grams(n) => unseen_gram(&training, n),
                Judge::Counts => unseen_counts(&training),
                Judge::Detector(recipe) => {
                    detector::<C>(&training, Recipe { seed: 100 * seed + fold as u64, ..recipe }, &mut notes)?
                }
            };
            let mut count = |to: &mut [f64], session: &[String], weight: f64| -> Result<(), rnnlm::Error> {
                for (sum, is_odd) in to.iter_mut().zip(rule(session)?) {
                    *sum += if is_odd { weight } else { 0.0 };
                }
                Ok(())
            };
            for session in held {
                count(&mut false_alarms, session, 1.0)?;
            }
            for (session, weight) in &distinct {
                count(&mut found, session, *weight)?;
            }
        }
    }
    let counts = std::array::from_fn(|i| Counts {
        false_alarms: false_alarms[i] / seeds as f64,
        normal: normal.len() as f64,
        recall: found[i] / (seeds as f64 * FOLDS as f64 * abnormal.len() as f64),
    });
    Ok(Pooled { counts, notes })
}
