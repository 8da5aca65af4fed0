//! Promise: rounding to int8, reading such a file and predicting from it allocate nothing; a predictor on the heap
//! takes one block.

use std::hint::black_box;

use rnnlm::{
    Candidate, Config, Isa, LstmCell, Quantized, QuantizedPredictor, Rnnlm, Sampler, SimpleRnnlm, Xorshift, top,
};

use crate::counter::count;

#[test]
fn int8_weights_allocate_nothing() {
    for [vocab_size, wordvec_size, hidden_size] in [[64, 16, 32], [418, 100, 100], [3, 1, 40]] {
        let config = Config { vocab_size, wordvec_size, hidden_size, batch_size: 1, time_size: 1 };
        let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
        let words: String = (0..vocab_size).map(|i| format!("w{i}\n")).collect();
        let mut file = vec![0; Quantized::encoded_len(config, words.len()).unwrap()];
        let mut buffer = vec![0.0; Quantized::buffer_len(config).unwrap()];
        let ids: Vec<u32> = (0..50).map(|i| (i * i) % vocab_size as u32).collect();
        for isa in Isa::available() {
            let (_, calls, _) = count(|| {
                Quantized::write(&model.weights(), &words, &mut file).unwrap();
                let quantized = Quantized::read(&file).unwrap();
                let predictor = QuantizedPredictor::with_buffers(quantized, &mut buffer[..]).unwrap();
                let mut predictor = predictor.with_isa(isa).with_temperature(0.8).unwrap();
                let mut three = [Candidate::default(); 3];
                let mut sampler = Sampler::new(Xorshift::new(2));
                for &id in &ids {
                    let probabilities = predictor.feed(id).unwrap();
                    black_box(top(probabilities, &[], &mut three));
                    black_box(sampler.choose(probabilities));
                }
                black_box(predictor.score(&ids, |score| assert!(score.rank > 0)).unwrap());
            });
            assert_eq!(calls, 0, "{isa:?} {config:?}");
        }
        let quantized = Quantized::read(&file).unwrap();
        let (_, calls, _) = count(|| black_box(QuantizedPredictor::new(quantized).unwrap()));
        assert_eq!(calls, 1);
    }
}

#[test]
fn an_lstm_in_int8_allocates_nothing() {
    type Weights<'a> = Quantized<'a, LstmCell>;
    for [vocab_size, wordvec_size, hidden_size] in [[64, 16, 32], [3, 1, 40]] {
        let config = Config { vocab_size, wordvec_size, hidden_size, batch_size: 1, time_size: 1 };
        let model = Rnnlm::new(config, &mut Xorshift::new(1)).unwrap();
        let mut file = vec![0; Weights::encoded_len_as(config, 0).unwrap()];
        let mut buffer = vec![0.0; Weights::buffer_len_as(config).unwrap()];
        let ids: Vec<u32> = (0..50).map(|i| (i * i) % vocab_size as u32).collect();
        for isa in Isa::available() {
            let (_, calls, _) = count(|| {
                Quantized::write(&model.weights(), "", &mut file).unwrap();
                let quantized = Weights::read_as(&file).unwrap();
                let mut predictor = QuantizedPredictor::with_buffers(quantized, &mut buffer[..]).unwrap().with_isa(isa);
                for &id in &ids {
                    black_box(predictor.feed(id).unwrap());
                }
                black_box(predictor.score(&ids, |score| assert!(score.rank > 0)).unwrap());
            });
            assert_eq!(calls, 0, "{isa:?} {config:?}");
        }
        let quantized = Weights::read_as(&file).unwrap();
        let (_, calls, _) = count(|| black_box(QuantizedPredictor::new(quantized).unwrap()));
        assert_eq!(calls, 1);
    }
}
