//! Promise: a file of an LSTM's int8 weights is read back as it was written, by Python's account of the format too; a
//! damaged or forged one, and one of the other cell, is an error, never a panic.
#![cfg(feature = "alloc")]

use std::fs;

use rnnlm::{
    Checkpoint, CheckpointError, Config, ConfigError, Corpus, LstmCell, Quantized, QuantizedPredictor, Rnnlm,
    SimpleRnnlm, Xorshift,
};

use super::{
    pytorch::Python,
    quantized::{place, repaired},
};

type Weights<'a> = Quantized<'a, LstmCell>;

const TINY: Config = Config { vocab_size: 3, wordvec_size: 2, hidden_size: 4, batch_size: 1, time_size: 1 };
const WORDS: &str = "a\nbé\nc\n";

fn model() -> Rnnlm {
    let mut model = Rnnlm::new(TINY, &mut Xorshift::new(1)).unwrap();
    let weights = model.weights_mut();
    for mut biases in [weights.lstm_b, weights.affine_b] {
        Xorshift::new(2).fill_normal(0.3, biases.as_mut_slice());
    }
    model
}

fn file() -> Vec<u8> {
    let mut file = vec![0; Weights::encoded_len_as(TINY, WORDS.len()).unwrap()];
    assert_eq!(Quantized::write(&model().weights(), WORDS, &mut file), Ok(file.len()));
    file
}

#[test]
fn what_is_written_is_read() {
    let file = file();
    let quantized = Weights::read_as(&file).unwrap();
    assert_eq!(quantized.config(), TINY);
    assert_eq!(quantized.words().collect::<Vec<_>>(), ["a", "bé", "c"]);
    assert_eq!(quantized.vocabulary().unwrap().word(1), Some("bé"));
    // anywhere in memory, with or without the file around them
    let mut memory = vec![0; file.len() + 3];
    let first = QuantizedPredictor::new(quantized).unwrap().feed(2).unwrap().to_vec();
    for shift in 0..4 {
        let there = &mut memory[shift..shift + file.len()];
        there.copy_from_slice(&file);
        let quantized = Weights::read_as(there).unwrap();
        assert_eq!(QuantizedPredictor::new(quantized).unwrap().feed(2).unwrap(), first);
        let block = Weights::block_as(there).unwrap();
        assert_eq!(Weights::block_len_as(TINY), Ok(block.len()));
        let quantized = Weights::from_block_as(TINY, block).unwrap();
        assert_eq!((quantized.config(), quantized.words().count()), (TINY, 0));
        assert_eq!(QuantizedPredictor::new(quantized).unwrap().feed(2).unwrap(), first);
    }
    let corpus = Corpus::from_text("a b\n").unwrap();
    let made = Quantized::to_vec(&model().weights(), corpus.vocabulary()).unwrap();
    assert_eq!(&Weights::read_as(&made).unwrap().vocabulary().unwrap(), corpus.vocabulary());
}

/// `tests/data/generate/quantized.py` made both files, the int8 one by its own arithmetic.
#[test]
fn it_is_the_golden_file() {
    let golden = |name| fs::read(format!("{}/tests/data/golden/int8/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (bare, expected) = (golden("lstm_f32.safetensors"), golden("lstm_int8.safetensors"));
    let (model, _, _): (Rnnlm, _, _) = Checkpoint::read_as(&bare).unwrap().restore().unwrap();
    let words = "w0\nw1\nw2\nw3\nw4\n";
    let mut file = vec![0; Weights::encoded_len_as(model.config(), words.len()).unwrap()];
    Quantized::write(&model.weights(), words, &mut file).unwrap();
    let at = file.iter().zip(&expected).position(|(a, b)| a != b);
    assert!(file == expected, "they differ at {at:?}, of {} and {} bytes", file.len(), expected.len());
    Weights::read_as(&expected).unwrap();
}

/// `examples/python/dequantize.py` says what the integers stand for.
#[test]
fn numpy_dequantizes_an_lstm() {
    let Some(python) = Python::with("numpy, safetensors.numpy", "numpy_dequantizes_an_lstm") else { return };
    let file = file();
    python.write("int8.safetensors", &file);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/dequantize.py");
    python.ok(script, "int8.safetensors f32.safetensors");
    let dequantized = python.read("f32.safetensors");
    let (dequantized, _, _): (Rnnlm, _, _) = Checkpoint::read_as(&dequantized).unwrap().restore().unwrap();
    let fours = |name: &str| file[place(&file, name)].chunks(4).map(|four| <[u8; 4]>::try_from(four).unwrap());
    let scales = |name: &str| fours(name).map(f32::from_le_bytes).collect::<Vec<_>>();
    let is_row = |row: usize, len: usize, name: &str, found: &dyn Fn(usize) -> Option<f32>| {
        let scale = scales(&format!("{name}.scale"))[row];
        let integers = &file[place(&file, &format!("{name}.T"))][row * len..][..len];
        integers.iter().enumerate().all(|(k, &w)| found(k) == Some(f32::from(w as i8) * scale))
    };
    let weights = dequantized.weights();
    assert!((0..16).all(|j| is_row(j, 2, "lstm.Wx", &|k| weights.lstm_wx.get(k, j))));
    assert!((0..16).all(|j| is_row(j, 4, "lstm.Wh", &|k| weights.lstm_wh.get(k, j))));
    assert!((0..3).all(|v| is_row(v, 4, "affine.W", &|k| weights.affine_w.get(k, v))));
    for (name, scale, found) in
        [("lstm.b", "lstm.Wh.scale", weights.lstm_b), ("affine.b", "affine.W.scale", weights.affine_b)]
    {
        let biases = fours(name).map(i32::from_le_bytes).zip(scales(scale)).zip(found.as_slice());
        for ((units, scale), found) in biases {
            let exact = f64::from(units) * f64::from(scale) / (16_384.0 * std::f64::consts::LOG2_E);
            assert!((f64::from(*found) - exact).abs() <= 1e-7 * exact.abs(), "{name}: {found}, {exact}");
        }
    }
}

#[test]
fn every_bit_and_every_length_is_guarded() {
    let file = file();
    for bit in 0..8 * file.len() {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Weights::read_as(&damaged).is_err(), "bit {bit}");
        // with a right checksum what a reader could stumble over is refused, or there is an answer
        if let Ok(quantized) = Weights::read_as(&repaired(damaged)) {
            let mut predictor = QuantizedPredictor::new(quantized).unwrap();
            assert!((0..3).all(|id| predictor.feed(id).unwrap().iter().all(|p| (0.0..=1.0).contains(p))));
        }
    }
    for len in 0..file.len() {
        assert!(Weights::read_as(&file[..len]).is_err(), "{len} bytes");
        if len >= 4 {
            assert!(Weights::read_as(&repaired(file[..len].to_vec())).is_err(), "{len} bytes");
        }
    }
    assert_eq!(Weights::read_as(&[&file[..], &[0]].concat()).err(), Some(CheckpointError::Layout));
}

#[test]
fn what_is_forged_is_told() {
    let file = file();
    let forged = |name, at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        let start = place(&file, name).start + at;
        file[start..start + bytes.len()].copy_from_slice(bytes);
        Weights::read_as(&repaired(file)).err()
    };
    assert_eq!(forged("rnnlm.int8", 0, &[2]), Some(CheckpointError::Version { found: 2 }));
    assert_eq!(forged("rnnlm.vocabulary", 3, b"\xff"), Some(CheckpointError::Words));
    // of the last gate too
    for (tensor, at) in [("embed.W.scale", 8), ("lstm.Wx.scale", 60), ("lstm.Wh.scale", 60), ("affine.W.scale", 8)] {
        for bad in [f32::NAN, f32::INFINITY, -1.0] {
            assert_eq!(forged(tensor, at, &bad.to_le_bytes()), Some(CheckpointError::NotFinite { tensor }));
        }
    }
    let too_large = Some(CheckpointError::Config(ConfigError::TooLarge));
    for (tensor, at) in [("lstm.b", 0), ("lstm.b", 60), ("affine.b", 8)] {
        assert_eq!(forged(tensor, at, &i32::MAX.to_le_bytes()), too_large);
        assert_eq!(forged(tensor, at, &i32::MIN.to_le_bytes()), too_large);
    }
    // sizes that no memory holds, or that don't fit each other, in a header of the right form
    let len = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let text = std::str::from_utf8(&file[8..8 + len]).unwrap();
    for size in ["18446744073709551615", "4294967296", "0", "17", "15", "99999999999999999999999"] {
        for old in ["[3]", "[16]", "[16,2]", "[16,4]", "[8]"] {
            let forged = text.replace(old, &old.replace("16", size).replace(['3', '8'], size));
            let bytes = [&(forged.len() as u64).to_le_bytes(), forged.as_bytes(), &file[8 + len..]].concat();
            assert!(Weights::read_as(&repaired(bytes)).is_err(), "{size} for {old}");
        }
    }
}

#[test]
fn a_file_of_the_other_cell_is_refused() {
    let file = file();
    assert!(matches!(Quantized::read(&file), Err(CheckpointError::Header { .. })));
    assert!(matches!(Quantized::block(&file), Err(CheckpointError::Header { .. })));
    let other = SimpleRnnlm::new(TINY, &mut Xorshift::new(1)).unwrap();
    let mut of_tanh = vec![0; Quantized::encoded_len(TINY, 0).unwrap()];
    Quantized::write(&other.weights(), "", &mut of_tanh).unwrap();
    assert!(matches!(Weights::read_as(&of_tanh), Err(CheckpointError::Header { .. })));
    let (needed, block) = (Weights::block_len_as(TINY).unwrap(), Quantized::block(&of_tanh).unwrap());
    let wrong = CheckpointError::Config(ConfigError::BufferLength { needed, given: block.len() });
    assert_eq!(Weights::from_block_as(TINY, block).err(), Some(wrong));
    assert!(Checkpoint::<LstmCell>::read_as(&file).is_err());
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut to = vec![0; 10_000];
    let needed = Weights::encoded_len_as(TINY, 0).unwrap();
    let mut write = |model: &Rnnlm, words, len| Quantized::write(&model.weights(), words, &mut to[..len]);
    let short = CheckpointError::BufferLength { needed, given: needed - 1 };
    assert_eq!(write(&model(), "", needed - 1), Err(short));
    assert_eq!(write(&model(), "", needed), Ok(needed));
    assert_eq!(write(&model(), "a\nb\n", 9_000), Err(CheckpointError::Words));
    for i in 0..6 {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut model = model();
            let (tensor, mut matrix) = model.weights_mut().named().into_iter().nth(i).unwrap();
            matrix.as_mut_slice()[1] = bad;
            assert_eq!(write(&model, "", 9_000), Err(CheckpointError::NotFinite { tensor }));
        }
    }
    // finite, but not times the units of a bias
    let mut model = model();
    model.weights_mut().lstm_b.as_mut_slice()[15] = f32::MAX;
    assert_eq!(write(&model, "", 9_000), Err(CheckpointError::NotFinite { tensor: "lstm.Wh" }));
    let long = Config { wordvec_size: 65_537, ..TINY };
    assert_eq!(Weights::encoded_len_as(long, 0), Err(ConfigError::TooLarge));
    assert_eq!(Weights::buffer_len_as(Config { hidden_size: 65_537, ..TINY }), Err(ConfigError::TooLarge));
    assert_eq!(Weights::block_len_as(Config { hidden_size: 0, ..TINY }), Err(ConfigError::ZeroSize));
}
