//! Any model, any weights, any ids, any rate: every instruction set takes the same steps with the same bits or refuses
//! them for the same reason, and a step that is refused changes no weight.

use rnnlm::{Cell, Config, IGNORE, Isa, LstmCell, Model, StepError, TanhCell, Xorshift};

use crate::bytes::{Bytes, same};

/// Losses or refusals, then weights and hidden state.
type Outcome = (Vec<Result<u32, StepError>>, Vec<f32>);

pub fn check(bytes: &[u8]) {
    check_cell::<TanhCell>(bytes);
    check_cell::<LstmCell>(bytes);
}

fn check_cell<C: Cell>(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let config = Config {
        vocab_size: bytes.size(1, 70),
        wordvec_size: bytes.size(1, 40),
        hidden_size: bytes.size(1, 40),
        batch_size: bytes.size(1, 5),
        time_size: bytes.size(1, 6),
    };
    let memory = config.memory_of::<C>().unwrap();
    let weights = bytes.floats(memory.weights);
    let mut fresh = Model::<C, _>::with_buffers(config, weights, vec![f32::NAN; memory.workspace]).unwrap();
    let state = bytes.floats(fresh.state().len());
    fresh.set_state(&state).unwrap();
    let rate = bytes.floats(1)[0];
    let mut rng = Xorshift::new(bytes.u32().into());
    // one more than there are now and then, and targets to be ignored
    let (most, odd) = (config.vocab_size as u32, bytes.byte());
    let rows = config.batch_size * config.time_size;
    let windows: Vec<[Vec<u32>; 2]> = (0..3)
        .map(|_| {
            let mut xs: Vec<u32> = (0..rows).map(|_| rng.below(most)).collect();
            let mut ts: Vec<u32> = (0..rows).map(|_| rng.below(most)).collect();
            if odd % 4 == 1 {
                ts[rng.below(rows as u32) as usize] = IGNORE;
            }
            if odd % 16 == 2 {
                xs[rng.below(rows as u32) as usize] = most;
            }
            [xs, ts]
        })
        .collect();

    let outcome = |isa: Isa| -> Outcome {
        let mut model = fresh.clone().with_isa(isa);
        let steps = windows.iter().map(|[xs, ts]| {
            let before = model.weights_block().to_vec();
            let taken = model.forward(xs, ts).and_then(|window| window.sgd(rate));
            match taken {
                Ok(loss) => assert!(loss.is_finite() && loss >= 0.0, "{} loss {loss}", isa.name()),
                Err(_) => assert!(same(&before, model.weights_block()), "{} {taken:?}", isa.name()),
            }
            taken.map(f32::to_bits)
        });
        let steps = steps.collect();
        (steps, [model.weights_block(), model.state()].concat())
    };
    let expected = outcome(Isa::SCALAR);
    for isa in Isa::available().skip(1) {
        let found = outcome(isa);
        assert_eq!(found.0, expected.0, "{} {config:?}", isa.name());
        assert!(same(&found.1, &expected.1), "{} {config:?}", isa.name());
    }
}
