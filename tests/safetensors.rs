//! Promise: a bare file that Python's safetensors writes loads, from NumPy and from PyTorch with its metadata. The files were made
//! by `tests/generate/bare_files.py`, which also tells what stands in them.
#![cfg(feature = "alloc")]

use std::fs;

use rnnlm::{Checkpoint, Config, SimpleRnnlm, Xorshift};

#[test]
fn bare_files_of_numpy_and_pytorch() {
    let config = Config { vocab_size: 5, wordvec_size: 3, hidden_size: 4, batch_size: 1, time_size: 1 };
    for name in ["numpy", "torch"] {
        let path = format!("{}/tests/golden/checkpoint/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let file = fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let checkpoint = Checkpoint::read(&file).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((checkpoint.config(), checkpoint.training(), checkpoint.words().next()), (config, None, None));

        // more rows than the file knows of
        let mut model = SimpleRnnlm::new(Config { batch_size: 2, ..config }, &mut Xorshift::new(1)).unwrap();
        model.set_state(&[0.5; 8]).unwrap();
        checkpoint.load(&mut model).unwrap();
        assert_eq!(model.state(), [0.0; 8], "{name}: no hidden state, so zero");
        let shapes = [(5, 3), (3, 4), (4, 4), (1, 4), (4, 5), (1, 5)];
        for (n, ((tensor, matrix), shape)) in model.weights().named().into_iter().zip(shapes).enumerate() {
            assert_eq!((matrix.rows(), matrix.cols()), shape, "{name}: {tensor}");
            let expected = (0..).map(|i| n as f32 + i as f32 / 64.0);
            let same = matrix.as_slice().iter().copied().eq(expected.take(shape.0 * shape.1));
            assert!(same, "{name}: {tensor} is {:?}", matrix.as_slice());
        }
    }
}

/// What stands in a file's header is found there and nowhere else: a file whose header lies is refused.
#[test]
fn golden_files_changed() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/checkpoint/torch.safetensors");
    let file = fs::read(path).unwrap();
    for (from, to) in [("[4,5]", "[5,4]"), ("\"F32\"", "\"I32\""), ("[0,80]", "[4,84]"), ("rnn.b", "rnn.c")] {
        let (from, to) = (from.as_bytes(), to.as_bytes());
        let at = file.windows(from.len()).position(|bytes| bytes == from).unwrap();
        let mut changed = file.clone();
        changed[at..at + to.len()].copy_from_slice(to);
        assert!(Checkpoint::read(&changed).is_err(), "{}", String::from_utf8_lossy(to));
    }
}
