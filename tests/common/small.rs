//! A model of a few weights, and all of it as bits.

use rnnlm::{Config, Isa, SimpleRnnlm, Xorshift};

pub const CONFIG: Config = Config { vocab_size: 7, wordvec_size: 3, hidden_size: 4, batch_size: 2, time_size: 3 };
pub const XS: [u32; 6] = [0, 1, 2, 3, 4, 5];
pub const TS: [u32; 6] = [1, 2, 3, 4, 5, 6];

pub type Model = SimpleRnnlm;

pub fn model(isa: Isa) -> Model {
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap().with_isa(isa);
    model.forward(&XS, &TS).unwrap().sgd(0.1).unwrap();
    model
}

/// Weights and hidden state, as bits: NaN must be comparable.
pub fn bits(model: &Model) -> (Vec<u32>, Vec<u32>) {
    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect();
    (bits(model.weights_block()), bits(model.state()))
}
