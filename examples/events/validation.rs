//! By what a recipe is chosen: how normal sessions that a model wasn't trained on surprise it. No abnormal one is read.

use std::fmt::Write;

use rnnlm::{Cell, Error};

use crate::{
    keys,
    proof::{FOLDS, NORMAL, Plan, Trained, dealt, folds},
    train::Recipe,
};

/// Surprise in nats, summed up.
#[derive(Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    /// Every event of these sessions, and their ends. Events that training lacks don't count: no model foresees them.
    fn add<C: Cell>(&mut self, trained: &mut Trained<C>, sessions: &[&Vec<String>]) -> Result<(), Error> {
        let ids = trained.ids;
        for session in sessions {
            let events = keys::encode(&trained.vocabulary, ids, session);
            trained.model.score(&[&[ids.end], &events[..], &[ids.end]].concat(), |score| {
                if score.id != ids.other {
                    self.sum += f64::from(score.loss);
                    self.count += 1;
                }
            })?;
        }
        Ok(())
    }

    fn get(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

/// A row for each recipe. Of the folds of a deal one is left alone, which `proof` judges, the next one is held out, and
/// foreseen by a model of the other three. The error is a message for the user.
pub fn table<C: Cell>(plan: &Plan<'_>) -> Result<String, String> {
    let normal = plan.sessions(NORMAL)?;
    let mut text = "| model | epochs | rate | parameters | nats an event, held out | in training |\n\
                    |---|---|---|---|---|---|\n"
        .to_owned();
    for &recipe in &plan.recipes {
        let (mut notes, mut held, mut own) = ([0.0; 2], Mean::default(), Mean::default());
        for (seed, fold) in (11..11 + plan.seeds).flat_map(|seed| (0..FOLDS).map(move |fold| (seed, fold))) {
            let order = dealt(&normal, seed);
            let next = (fold + 1) % FOLDS;
            let (training, others) = (folds(&order, |at| at != fold && at != next), folds(&order, |at| at == next));
            let recipe = Recipe { seed: 100 * seed + fold as u64, ..recipe };
            let measured = Trained::<C>::new(&training, recipe, &mut notes).and_then(|mut trained| {
                held.add(&mut trained, &others)?;
                own.add(&mut trained, &training)
            });
            measured.map_err(|error| error.to_string())?;
        }
        let (name, Recipe { epochs, rate, .. }) = (plan.model(recipe), recipe);
        let ([parameters, seconds], held, own) = (notes, held.get(), own.get());
        let _ = writeln!(text, "| {name} | {epochs} | {rate} | {parameters} | {held:.4} | {own:.4} |");
        if !plan.is_quiet {
            eprintln!("{name}: done, slowest training {seconds:.1} s");
        }
    }
    Ok(text)
}
