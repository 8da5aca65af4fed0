//! Training on whole sessions: several side by side, each from a zero state, with a rate that falls.

use rnnlm::{Cell, Checkpoint, Config, EventIds, Gradients, IGNORE, Model, Sgd, TrainingState, Vocabulary, Xorshift};

/// How a model is trained.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    pub wordvec: usize,
    pub hidden: usize,
    pub epochs: usize,
    pub rate: f32,
    pub seed: u64,
}

impl Default for Recipe {
    fn default() -> Self {
        Self { wordvec: 16, hidden: 32, epochs: 20, rate: 2.0, seed: 1 }
    }
}

/// Sessions side by side, and events of a window.
const SIDE_BY_SIDE: usize = 8;
const TIME: usize = 20;
/// The last rate is e^-FALL of the first: a hundredth.
const FALL: f64 = 4.605_170_185_988_091;
const MAX_NORM: f32 = 1.0;

/// Orders at random.
pub fn shuffle<T>(items: &mut [T], rng: &mut Xorshift) {
    for i in (1..items.len()).rev() {
        items.swap(i, rng.below(i as u32 + 1) as usize);
    }
}

/// A model that was trained on these sessions, with N = 1.
pub fn train<C: Cell>(ids: EventIds, sessions: &[Vec<u32>], recipe: Recipe) -> Result<Model<C>, rnnlm::Error> {
    let Recipe { wordvec, hidden, epochs, rate, seed } = recipe;
    let config = Config {
        vocab_size: ids.vocab_size as usize,
        wordvec_size: wordvec,
        hidden_size: hidden,
        batch_size: SIDE_BY_SIDE,
        time_size: TIME,
    };
    let mut rng = Xorshift::new(seed);
    let mut model = Model::<C>::new(config, &mut rng)?;
    let mut gradients = Gradients::<_, C>::new_as(config)?;
    let mut order: Vec<&[u32]> = sessions.iter().map(Vec::as_slice).collect();
    // what the rate is multiplied by in front of each batch
    let batches = (epochs * order.len().div_ceil(SIDE_BY_SIDE)).max(1);
    let decay = exp(-FALL / batches as f64);
    let mut rate = f64::from(rate);
    for _ in 0..epochs {
        arrange(&mut order, &mut rng);
        for batch in order.chunks(SIDE_BY_SIDE) {
            let sgd = Sgd::new(rate as f32)?;
            rate *= decay;
            model.reset_state();
            let longest = batch.iter().map(|session| session.len() + 1).max().unwrap_or(0);
            for first in (0..longest).step_by(TIME) {
                let (xs, ts) = window(batch, first, ids);
                model.forward(&xs, &ts)?.backward(&mut gradients)?;
                gradients.clip(MAX_NORM)?;
                sgd.update(&mut model, &gradients)?;
            }
        }
    }
    // for a stream of one: of a file another N takes the weights alone
    let mut single = Model::new(Config { batch_size: 1, time_size: 8, ..config }, &mut rng)?;
    let file = Checkpoint::to_vec(&model, &TrainingState::default(), &Vocabulary::new())?;
    Checkpoint::<C>::read_as(&file)?.load(&mut single)?;
    Ok(single)
}

/// The series of e^x, for x from -5 to 0: the same bits on every machine, which std doesn't promise.
fn exp(x: f64) -> f64 {
    (1..=32).rev().fold(1.0, |sum, k| 1.0 + x / f64::from(k) * sum)
}

/// Random batches of sessions that are about equally long.
fn arrange(order: &mut [&[u32]], rng: &mut Xorshift) {
    shuffle(order, rng);
    for part in order.chunks_mut(16 * SIDE_BY_SIDE) {
        part.sort_by_key(|session| session.len());
    }
    let mut batches: Vec<Vec<&[u32]>> = order.chunks(SIDE_BY_SIDE).map(<[_]>::to_vec).collect();
    shuffle(&mut batches, rng);
    // the one that isn't full stays last
    batches.sort_by_key(|batch| batch.len() < SIDE_BY_SIDE);
    for (to, session) in order.iter_mut().zip(batches.concat()) {
        *to = session;
    }
}

/// Inputs and targets from the event `first` of each session on; nothing counts behind an end.
fn window(batch: &[&[u32]], first: usize, ids: EventIds) -> (Vec<u32>, Vec<u32>) {
    let (mut xs, mut ts) = (vec![ids.end; SIDE_BY_SIDE * TIME], vec![IGNORE; SIDE_BY_SIDE * TIME]);
    for ((xs, ts), session) in xs.chunks_mut(TIME).zip(ts.chunks_mut(TIME)).zip(batch) {
        for (at, (x, t)) in (first..=session.len()).zip(xs.iter_mut().zip(ts)) {
            *x = if at == 0 { ids.end } else { session[at - 1] };
            *t = session.get(at).copied().unwrap_or(ids.end);
        }
    }
    (xs, ts)
}
