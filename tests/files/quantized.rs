//! Promise: a file of int8 weights is read back as it was written, by Python's account of the format too; a damaged or
//! forged one is an error, never a panic.
#![cfg(feature = "alloc")]

use std::fs;

use rnnlm::{
    Checkpoint, CheckpointError, Config, ConfigError, Corpus, Quantized, QuantizedPredictor, SimpleRnnlm,
    TrainingState, Xorshift,
};

use super::{checkpoint_corruption::crc32, pytorch::Python};

const TINY: Config = Config { vocab_size: 3, wordvec_size: 2, hidden_size: 4, batch_size: 1, time_size: 1 };
const WORDS: &str = "a\nbé\nc\n";

fn model() -> SimpleRnnlm {
    let mut model = SimpleRnnlm::new(TINY, &mut Xorshift::new(1)).unwrap();
    let weights = model.weights_mut();
    for mut biases in [weights.rnn_b, weights.affine_b] {
        Xorshift::new(2).fill_normal(0.3, biases.as_mut_slice());
    }
    model
}

fn file() -> Vec<u8> {
    let mut file = vec![0; Quantized::encoded_len(TINY, WORDS.len()).unwrap()];
    assert_eq!(Quantized::write(&model().weights(), WORDS, &mut file), Ok(file.len()));
    file
}

/// With the checksum that its bytes should have.
pub(super) fn repaired(mut file: Vec<u8>) -> Vec<u8> {
    let end = file.len() - 4;
    let checksum = crc32(&file[..end]).to_le_bytes();
    file[end..].copy_from_slice(&checksum);
    file
}

/// Where a tensor begins and ends in the file.
pub(super) fn place(file: &[u8], name: &str) -> std::ops::Range<usize> {
    let data = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let text = std::str::from_utf8(&file[8..data]).unwrap();
    let entry = text.split_once(&format!("\"{name}\"")).unwrap().1.split_once("\"data_offsets\":[").unwrap().1;
    let (begin, end) = entry.split_once(']').unwrap().0.split_once(',').unwrap();
    data + begin.parse::<usize>().unwrap()..data + end.parse::<usize>().unwrap()
}

#[test]
fn what_is_written_is_read() {
    let file = file();
    let quantized = Quantized::read(&file).unwrap();
    assert_eq!(quantized.config(), TINY);
    assert_eq!(quantized.words().collect::<Vec<_>>(), ["a", "bé", "c"]);
    assert_eq!(quantized.vocabulary().unwrap().word(1), Some("bé"));
    // anywhere in memory
    let mut memory = vec![0; file.len() + 3];
    let first = QuantizedPredictor::new(quantized).unwrap().feed(2).unwrap().to_vec();
    for shift in 0..4 {
        memory[shift..shift + file.len()].copy_from_slice(&file);
        let quantized = Quantized::read(&memory[shift..shift + file.len()]).unwrap();
        assert_eq!(QuantizedPredictor::new(quantized).unwrap().feed(2).unwrap(), first);
    }
    let corpus = Corpus::from_text("a b\n").unwrap();
    let made = Quantized::to_vec(&model().weights(), corpus.vocabulary()).unwrap();
    assert_eq!(&Quantized::read(&made).unwrap().vocabulary().unwrap(), corpus.vocabulary());
}

/// `tests/data/generate/quantized.py` made both files, the int8 one by its own arithmetic.
#[test]
fn it_is_the_golden_file() {
    let golden = |name| fs::read(format!("{}/tests/data/golden/int8/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let (bare, expected) = (golden("f32.safetensors"), golden("int8.safetensors"));
    let (model, _, _) = Checkpoint::read(&bare).unwrap().restore().unwrap();
    let words = "w0\nw1\nw2\nw3\nw4\n";
    let mut file = vec![0; Quantized::encoded_len(model.config(), words.len()).unwrap()];
    Quantized::write(&model.weights(), words, &mut file).unwrap();
    let at = file.iter().zip(&expected).position(|(a, b)| a != b);
    assert!(file == expected, "they differ at {at:?}, of {} and {} bytes", file.len(), expected.len());
    Quantized::read(&expected).unwrap();
}

#[test]
fn a_block_has_the_weights_of_its_file() {
    let file = file();
    let block = Quantized::block(&file).unwrap();
    assert_eq!(Quantized::block_len(TINY), Ok(block.len()));
    let quantized = Quantized::from_block(Config { time_size: 9, ..TINY }, block).unwrap();
    assert_eq!((quantized.config(), quantized.words().count()), (TINY, 0));
    let mut of_block = QuantizedPredictor::new(quantized).unwrap();
    let mut of_file = QuantizedPredictor::new(Quantized::read(&file).unwrap()).unwrap();
    for id in [2, 0, 1, 1] {
        assert_eq!(of_block.feed(id).unwrap(), of_file.feed(id).unwrap());
    }

    let mut damaged = file.clone();
    damaged[100] ^= 1;
    assert!(Quantized::block(&damaged).is_err());
    let needed = block.len();
    for given in [0, needed - 1, needed + 1] {
        let bytes = vec![0; given];
        let wrong = CheckpointError::Config(ConfigError::BufferLength { needed, given });
        assert_eq!(Quantized::from_block(TINY, &bytes).err(), Some(wrong));
    }
    let with = |at: usize, bytes: [u8; 4]| {
        let mut block = block.to_vec();
        block[at..at + 4].copy_from_slice(&bytes);
        Quantized::from_block(TINY, &block).err()
    };
    // scales of V = 3, H = 4, 4 and 3 rows, then biases of 4 and 3
    let not_finite = |tensor| Some(CheckpointError::NotFinite { tensor });
    assert_eq!(with(4 * 2, f32::NAN.to_le_bytes()), not_finite("embed.W.scale"));
    assert_eq!(with(4 * 13, (-1_f32).to_le_bytes()), not_finite("affine.W.scale"));
    let too_large = Some(CheckpointError::Config(ConfigError::TooLarge));
    assert_eq!(with(4 * 14, i32::MAX.to_le_bytes()), too_large);
    assert_eq!(with(4 * 20, i32::MIN.to_le_bytes()), too_large);
    let none = Config { vocab_size: 0, ..TINY };
    assert_eq!(Quantized::from_block(none, &[]).err(), Some(CheckpointError::Config(ConfigError::ZeroSize)));
}

/// `examples/python/dequantize.py` says what the integers stand for.
#[test]
fn numpy_dequantizes_a_file() {
    let Some(python) = Python::with("numpy, safetensors.numpy", "numpy_dequantizes_a_file") else { return };
    let file = file();
    python.write("int8.safetensors", &file);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/python/dequantize.py");
    python.ok(script, "int8.safetensors f32.safetensors");
    let (dequantized, _, _) = Checkpoint::read(&python.read("f32.safetensors")).unwrap().restore().unwrap();
    let fours =
        |name: &str| file[place(&file, name)].chunks(4).map(|four| four.try_into().unwrap()).collect::<Vec<[u8; 4]>>();
    let scales = |name: &str| fours(name).into_iter().map(f32::from_le_bytes).collect::<Vec<_>>();
    let weights = dequantized.weights();
    let is_row = |row: usize, len: usize, name: &str, found: &dyn Fn(usize) -> Option<f32>| {
        let integers = &file[place(&file, name)][row * len..][..len];
        let scale = scales(&format!("{}.scale", name.trim_end_matches(".T")))[row];
        integers.iter().enumerate().all(|(k, &w)| found(k) == Some(f32::from(w as i8) * scale))
    };
    assert!((0..3).all(|v| is_row(v, 2, "embed.W", &|k| weights.embed_w.get(v, k))));
    assert!((0..4).all(|h| is_row(h, 2, "rnn.Wx.T", &|k| weights.rnn_wx.get(k, h))));
    assert!((0..4).all(|h| is_row(h, 4, "rnn.Wh.T", &|k| weights.rnn_wh.get(k, h))));
    assert!((0..3).all(|v| is_row(v, 4, "affine.W.T", &|k| weights.affine_w.get(k, v))));
    for (name, scale, found) in
        [("rnn.b", "rnn.Wh.scale", weights.rnn_b), ("affine.b", "affine.W.scale", weights.affine_b)]
    {
        for ((units, scale), found) in fours(name).into_iter().zip(scales(scale)).zip(found.as_slice()) {
            let exact = f64::from(i32::from_le_bytes(units)) * f64::from(scale) / (16_384.0 * std::f64::consts::LOG2_E);
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
        assert!(Quantized::read(&damaged).is_err(), "bit {bit}");
        // with a right checksum what a reader could stumble over is refused, or there is an answer
        if let Ok(quantized) = Quantized::read(&repaired(damaged)) {
            let mut predictor = QuantizedPredictor::new(quantized).unwrap();
            assert!((0..3).all(|id| predictor.feed(id).unwrap().iter().all(|p| (0.0..=1.0).contains(p))));
        }
    }
    for len in 0..file.len() {
        assert!(Quantized::read(&file[..len]).is_err(), "{len} bytes");
        if len >= 4 {
            assert!(Quantized::read(&repaired(file[..len].to_vec())).is_err(), "{len} bytes");
        }
    }
    assert_eq!(Quantized::read(&[&file[..], &[0]].concat()).err(), Some(CheckpointError::Layout));
}

#[test]
fn what_is_forged_is_told() {
    let file = file();
    let forged = |name, at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        let start = place(&file, name).start + at;
        file[start..start + bytes.len()].copy_from_slice(bytes);
        Quantized::read(&repaired(file)).err()
    };
    assert_eq!(forged("rnnlm.int8", 0, &[2]), Some(CheckpointError::Version { found: 2 }));
    assert_eq!(forged("rnnlm.vocabulary", 0, b"\n"), Some(CheckpointError::Words));
    assert_eq!(forged("rnnlm.vocabulary", 3, b"\xff"), Some(CheckpointError::Words));
    for tensor in ["embed.W.scale", "rnn.Wx.scale", "rnn.Wh.scale", "affine.W.scale"] {
        for bad in [f32::NAN, f32::INFINITY, -1.0] {
            assert_eq!(forged(tensor, 8, &bad.to_le_bytes()), Some(CheckpointError::NotFinite { tensor }));
        }
    }
    let too_large = Some(CheckpointError::Config(ConfigError::TooLarge));
    for tensor in ["rnn.b", "affine.b"] {
        assert_eq!(forged(tensor, 8, &i32::MAX.to_le_bytes()), too_large);
        assert_eq!(forged(tensor, 8, &i32::MIN.to_le_bytes()), too_large);
    }
    // -128 is no weight that is written, but one that can be read
    assert_eq!(forged("affine.W.T", 0, &[0x80; 4]), None);
    let mut foreign = file.clone();
    foreign[9] = b'f';
    assert!(matches!(Quantized::read(&repaired(foreign)), Err(CheckpointError::Header { .. })));
    let mut spaced = file.clone();
    // one more byte of header than it needs
    let len = u64::from_le_bytes(spaced[..8].try_into().unwrap()) + 8;
    spaced.splice(len as usize..len as usize, [b' '; 8]);
    spaced[..8].copy_from_slice(&len.to_le_bytes());
    assert!(matches!(Quantized::read(&repaired(spaced)), Err(CheckpointError::Header { .. })));
}

#[test]
fn neither_kind_of_file_is_the_other() {
    let mut f32_file = vec![0; Checkpoint::encoded_len(TINY, 0).unwrap()];
    Checkpoint::write(&model(), &TrainingState::default(), "", &mut f32_file).unwrap();
    assert!(matches!(Quantized::read(&f32_file), Err(CheckpointError::Header { .. })));
    assert!(Checkpoint::read(&file()).is_err());
    assert_eq!(Quantized::read(b"no such file at all").err(), Some(CheckpointError::NotSafetensors));
    assert_eq!(Quantized::read(&[]).err(), Some(CheckpointError::Truncated));
}

/// Sizes that no memory holds, in a header of the right form.
#[test]
fn sizes_beyond_reason_are_refused() {
    let file = file();
    let len = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let text = std::str::from_utf8(&file[8..8 + len]).unwrap();
    for size in ["18446744073709551615", "4294967296", "0", "99999999999999999999999"] {
        for old in ["[3]", "[4]", "[3,2]", "[4,2]", "[8]"] {
            let forged = text.replace(old, &old.replace(['3', '4', '2', '8'], size));
            let bytes = [&(forged.len() as u64).to_le_bytes(), forged.as_bytes(), &file[8 + len..]].concat();
            assert!(Quantized::read(&repaired(bytes)).is_err(), "{size} for {old}");
        }
    }
}

#[test]
fn what_cannot_be_written_is_refused() {
    let mut to = vec![0; 10_000];
    let needed = Quantized::encoded_len(TINY, 0).unwrap();
    let mut write = |model: &SimpleRnnlm, words, len| Quantized::write(&model.weights(), words, &mut to[..len]);
    let short = CheckpointError::BufferLength { needed, given: needed - 1 };
    assert_eq!(write(&model(), "", needed - 1), Err(short));
    assert_eq!(write(&model(), "", needed), Ok(needed));
    assert_eq!(write(&model(), "a\nb\n", 9_000), Err(CheckpointError::Words));
    assert_eq!(write(&model(), "a\nb\na\n", 9_000), Err(CheckpointError::DuplicateWord { id: 2 }));
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
    model.weights_mut().affine_b.as_mut_slice()[0] = f32::MAX;
    assert_eq!(write(&model, "", 9_000), Err(CheckpointError::NotFinite { tensor: "affine.W" }));
    let long = Config { wordvec_size: 65_537, ..TINY };
    assert_eq!(Quantized::encoded_len(long, 0), Err(ConfigError::TooLarge));
    assert_eq!(Quantized::buffer_len(Config { hidden_size: 65_537, ..TINY }), Err(ConfigError::TooLarge));
    assert_eq!(Quantized::buffer_len(Config { hidden_size: 0, ..TINY }), Err(ConfigError::ZeroSize));
}
