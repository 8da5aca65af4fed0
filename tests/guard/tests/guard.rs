//! Promise: nothing outside the caller's slices is read or written, and where they lie shows in no bit.
//!
//! ```text
//! cargo test --release --manifest-path tests/guard/Cargo.toml
//! cargo test --release --manifest-path tests/guard/Cargo.toml -- --ignored    # every product up to 40 x 40 x 40: a
//! minute
//! ```

use std::{env, process::Command};

use rnnlm::{
    Checkpoint, Config, Form, Isa, Matmul, Predictor, SimpleRnnlm, Start, TrainingState, Xorshift, exp, matmul_scratch,
    tanh,
};
use rnnlm_guard::{
    Guarded,
    Place::{self, Back, Front},
};

fn random(rng: &mut Xorshift, len: usize) -> Vec<f32> {
    (0..len).map(|_| rng.uniform() * 2.0 - 1.0).collect()
}

fn bits(xs: &[f32]) -> Vec<u32> {
    xs.iter().map(|x| x.to_bits()).collect()
}

/// Both ends, and every distance from where a vector of sixteen would be aligned.
fn places() -> impl Iterator<Item = Place> + Clone {
    (0..16).map(Front).chain([Back])
}

/// The operands of products of up to so many elements.
struct Operands {
    values: [Vec<f32>; 3],
    /// A, B, C and the scratch.
    rooms: [Guarded; 4],
}

impl Operands {
    fn new(most: usize, scratch: usize) -> Self {
        let mut rng = Xorshift::new(7);
        let values = [(); 3].map(|()| random(&mut rng, most));
        Self { values, rooms: [most, most, most, scratch].map(Guarded::new) }
    }

    /// Every way to compute one shape, at these places, compared with the portable path on the heap. Returns how many.
    fn check(&mut self, shape: [usize; 3], places: impl Iterator<Item = Place> + Clone) -> u64 {
        let [m, k, n] = shape;
        let mut checked = 0;
        let [a_room, b_room, c_room, scratch_room] = &mut self.rooms;
        let (a, b, in_c) = (&self.values[0][..m * k], &self.values[1][..k * n], &self.values[2][..m * n]);
        for form in [Form::Nn, Form::Nt, Form::Tn] {
            let scratch_len = matmul_scratch(form, shape);
            for start in [Start::Zero, Start::C] {
                // what C holds doesn't matter where nothing is added to it
                let in_c = if start == Start::C { in_c.to_vec() } else { vec![f32::NAN; m * n] };
                let (mut expected, scratch) = (in_c.clone(), &mut vec![0.0; scratch_len]);
                Matmul { form, m, k, n, a, b, c: &mut expected, start, scratch }.run(Isa::SCALAR).unwrap();
                for place in places.clone() {
                    for isa in Isa::available().skip(1) {
                        let (a, b) = (a_room.filled(place, a), b_room.filled(place, b));
                        let c = c_room.filled(place, &in_c);
                        let scratch = scratch_room.slice(place, scratch_len);
                        Matmul { form, m, k, n, a, b, c: &mut *c, start, scratch }.run(isa).unwrap();
                        let same = c.iter().zip(&expected).all(|(x, y)| x.to_bits() == y.to_bits());
                        assert!(same, "{} {form:?} {shape:?} {start:?} at {place:?}", isa.name());
                        checked += 1;
                    }
                }
            }
        }
        checked
    }
}

/// Every shape of up to `MOST` rows, steps and columns.
fn every_shape(most: usize, ms: impl Iterator<Item = usize>) -> u64 {
    let mut operands = Operands::new(most * most, matmul_scratch(Form::Nt, [most; 3]));
    let mut checked = 0;
    for m in ms {
        for k in 0..=most {
            for n in 0..=most {
                checked += operands.check([m, k, n], places());
            }
        }
    }
    checked
}

#[test]
fn products_up_to_nine_stay_within_their_slices() {
    assert!(every_shape(9, 0..=9) > 0 || Isa::available().count() == 1);
}

/// 68,921 shapes, three forms, two start values, seventeen places, each instruction set: the rows are dealt out to all
/// cores.
#[test]
#[ignore = "a minute in release"]
fn products_up_to_forty_stay_within_their_slices() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let checked: u64 = std::thread::scope(|scope| {
        let parts: Vec<_> =
            (0..threads).map(|first| scope.spawn(move || every_shape(40, (first..=40).step_by(threads)))).collect();
        parts.into_iter().map(|part| part.join().unwrap()).sum()
    });
    println!("{checked} products");
    assert_eq!(checked, 41 * 41 * 41 * 3 * 2 * 17 * (Isa::available().count() as u64 - 1));
}

#[test]
fn wide_high_and_deep_products_stay_within_their_slices() {
    let shapes = [
        [1, 3, 129],
        [6, 385, 17],
        [2, 770, 33],
        [64, 2, 1030],
        [65, 3, 1045],
        [12, 7, 200],
        [130, 2, 64],
        [128, 769, 129],
        [128, 2, 200],
    ];
    let scratch = |shape| [Form::Nt, Form::Tn].map(|form| matmul_scratch(form, shape)).into_iter().max().unwrap();
    let mut operands = Operands::new(100_000, shapes.into_iter().map(scratch).max().unwrap());
    for shape in shapes {
        operands.check(shape, [Front(0), Front(3), Back].into_iter());
    }
}

#[test]
fn exp_and_tanh_stay_within_their_slices() {
    let (mut rng, mut room) = (Xorshift::new(3), Guarded::new(70));
    for len in 0..=70 {
        let xs = random(&mut rng, len);
        for function in [exp, tanh] {
            let mut expected = xs.clone();
            function(Isa::SCALAR, &mut expected);
            for (isa, place) in Isa::available().flat_map(|isa| places().map(move |place| (isa, place))) {
                let ys = room.filled(place, &xs);
                function(isa, ys);
                assert_eq!(bits(ys), bits(&expected), "{} {len} at {place:?}", isa.name());
            }
        }
    }
}

/// Weights and workspace in guarded memory: training, evaluation and prediction.
#[test]
fn a_model_stays_within_its_memory() {
    for (v, d, h) in [(1, 1, 1), (7, 3, 5), (17, 15, 16), (40, 9, 33), (1030, 4, 5)] {
        let config = Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: 3, time_size: 4 };
        let memory = config.memory().unwrap();
        let mut rng = Xorshift::new(1);
        let fresh = SimpleRnnlm::new(config, &mut rng).unwrap();
        let ids: Vec<u32> = (0..24).map(|_| rng.below(v as u32)).collect();
        let [mut weights_room, mut workspace_room] = [memory.weights, memory.workspace].map(Guarded::new);
        let len = config.memory().unwrap().prediction;
        let mut buffer_room = Guarded::new(len);
        let mut seen: Option<(Vec<u32>, Vec<u32>)> = None;
        for isa in Isa::available() {
            for place in [Front(0), Front(1), Front(7), Back] {
                let weights = weights_room.filled(place, fresh.weights_block());
                let workspace = workspace_room.slice(place, memory.workspace);
                workspace.fill(f32::NAN);
                let mut model = SimpleRnnlm::with_buffers(config, weights, workspace).unwrap().with_isa(isa);
                for _ in 0..2 {
                    model.forward(&ids[..12], &ids[12..]).unwrap().sgd(0.5).unwrap();
                }
                let loss = model.evaluate(&ids).unwrap();
                let mut predictor =
                    Predictor::with_buffers(model.weights(), buffer_room.slice(place, len)).unwrap().with_isa(isa);
                let mut probabilities = bits(predictor.feed(0).unwrap());
                probabilities.push(loss.to_bits());
                let found = (bits(model.weights_block()), probabilities);
                assert!(*seen.get_or_insert_with(|| found.clone()) == found, "{} at {place:?}", isa.name());
            }
        }
    }
}

#[test]
fn a_checkpoint_is_read_within_its_bytes() {
    let config = Config { vocab_size: 3, wordvec_size: 2, hidden_size: 4, batch_size: 2, time_size: 3 };
    let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
    let mut file = vec![0; Checkpoint::encoded_len(config, 6).unwrap()];
    Checkpoint::write(&model, &TrainingState::default(), "a\nb\nc\n", &mut file).unwrap();
    let mut room = Guarded::new(file.len());
    for len in 0..=file.len() {
        let read = Checkpoint::read(room.bytes(&file[..len]));
        assert_eq!(read.is_ok(), len == file.len());
    }
}

/// The guard itself works: a program that reads beyond either end is stopped.
#[test]
fn an_access_outside_stops_the_program() {
    const BEYOND: &str = "RNNLM_READ_BEYOND";
    let mut room = Guarded::new(100);
    if let Ok(beyond) = env::var(BEYOND) {
        let at = match beyond.as_str() {
            "front" => room.slice(Front(0), 100).as_ptr().wrapping_sub(1),
            "back" => room.slice(Back, 100).as_ptr().wrapping_add(100),
            _ => room.slice(Back, 100).as_ptr(),
        };
        // SAFETY: none; the system ends the program here, but where `at` lies inside.
        let read = unsafe { at.read_volatile() };
        assert_eq!(read, 0.0);
        return;
    }
    for (beyond, survives) in [("front", false), ("back", false), ("inside", true)] {
        let mut child = Command::new(env::current_exe().unwrap());
        let child = child.args(["--exact", "an_access_outside_stops_the_program"]).env(BEYOND, beyond);
        assert_eq!(child.output().unwrap().status.success(), survives, "{beyond}");
    }
}
