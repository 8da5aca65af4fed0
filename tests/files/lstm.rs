//! Promise: files hold an LSTM as they hold the tanh cell, under names of its own, and each is refused as the other.
#![cfg(feature = "alloc")]

use rnnlm::{
    Checkpoint, CheckpointError, Config, LearnerRecord, LstmCell, Predictor, Rnnlm, SimpleRnnlm, TanhCell,
    TrainingState, WordIndex, Xorshift,
};

use crate::reboots;

const CONFIG: Config = Config { vocab_size: 3, wordvec_size: 2, hidden_size: 4, batch_size: 2, time_size: 5 };
const WORDS: &str = "a\nb\nc\n";

fn file() -> (Rnnlm, Vec<u8>) {
    let mut model = Rnnlm::new(CONFIG, &mut Xorshift::new(5)).unwrap();
    model.forward(&[0, 1, 2, 0, 1, 2, 1, 0, 2, 1], &[1, 2, 0, 1, 2, 1, 0, 2, 1, 0]).unwrap().sgd(0.5).unwrap();
    let mut bytes = vec![0; Checkpoint::<LstmCell>::encoded_len_as(CONFIG, WORDS.len()).unwrap()];
    let written = Checkpoint::write(&model, &TrainingState::default(), WORDS, &mut bytes);
    assert_eq!(written, Ok(bytes.len()));
    (model, bytes)
}

fn read(file: &[u8]) -> Result<Checkpoint<'_, LstmCell>, CheckpointError> {
    Checkpoint::read_as(file)
}

#[test]
fn all_comes_back() {
    let (model, bytes) = file();
    let text = String::from_utf8_lossy(&bytes);
    for entry in [
        r#""lstm.Wx":{"dtype":"F32","shape":[2,16]"#,
        r#""lstm.Wh":{"dtype":"F32","shape":[4,16]"#,
        r#""lstm.b":{"dtype":"F32","shape":[16]"#,
        r#""rnnlm.state":{"dtype":"F32","shape":[4,4]"#,
    ] {
        assert!(text.contains(entry), "{entry}");
    }
    let checkpoint = read(&bytes).unwrap();
    assert_eq!(checkpoint.config(), CONFIG);
    assert!(checkpoint.words().eq(["a", "b", "c"]));
    let (again, state, _) = checkpoint.restore().unwrap();
    assert_eq!(state, TrainingState::default());
    assert_eq!((again.weights(), again.state()), (model.weights(), model.state()));
    // in place, where the bytes are aligned
    if let Some(weights) = checkpoint.weights() {
        assert_eq!(weights, model.weights());
        let mut predictor = Predictor::new(weights).unwrap();
        assert_eq!(predictor.feed(2).unwrap(), model.predictor().unwrap().feed(2).unwrap());
    }
    // another N: the weights alone
    let mut other = Rnnlm::new(Config { batch_size: 1, ..CONFIG }, &mut Xorshift::new(1)).unwrap();
    checkpoint.load(&mut other).unwrap();
    assert_eq!((other.weights(), other.state()), (model.weights(), &[0.0; 8][..]));
}

#[test]
fn any_byte_that_is_damaged_and_any_cut_is_found() {
    let (_, mut bytes) = file();
    for at in 0..bytes.len() {
        assert!(read(&bytes[..at]).is_err(), "cut at {at}");
        for bit in [0, 3, 7] {
            bytes[at] ^= 1 << bit;
            assert!(read(&bytes).is_err(), "bit {bit} of byte {at}");
            bytes[at] ^= 1 << bit;
        }
    }
    read(&bytes).unwrap();
}

#[test]
fn a_file_of_another_cell_is_refused() {
    let (_, bytes) = file();
    let refused = Checkpoint::read(&bytes).unwrap_err();
    assert!(matches!(refused, CheckpointError::UnknownTensor { .. }), "{refused}");
    assert_eq!(refused.tensor(&bytes), Some("lstm.Wx"));
    let tanh = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(5)).unwrap();
    let mut bytes = vec![0; Checkpoint::encoded_len(CONFIG, 0).unwrap()];
    Checkpoint::write(&tanh, &TrainingState::default(), "", &mut bytes).unwrap();
    let refused = read(&bytes).unwrap_err();
    assert_eq!(refused.tensor(&bytes), Some("rnn.Wx"));
}

/// A bare file with these shapes, all zeros.
fn bare(shapes: [(&str, &[usize]); 6]) -> Vec<u8> {
    let (mut entries, mut end) = (vec![], 0);
    for (name, shape) in shapes {
        let begin = end;
        end += 4 * shape.iter().product::<usize>();
        entries.push(format!(r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{begin},{end}]}}"#));
    }
    let header = format!("{{{}}}", entries.join(","));
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &vec![0; end]].concat()
}

#[test]
fn bare_weights_are_read_where_their_shapes_are_those_of_an_lstm() {
    let shapes = |wx: &'static [usize], b: &'static [usize]| -> [(&str, &[usize]); 6] {
        let (embed, affine): (&[usize], &[usize]) = (&[3, 2], &[4, 3]);
        let (wh, affine_b): (&[usize], &[usize]) = (&[4, 16], &[3]);
        [
            ("affine.W", affine),
            ("lstm.b", b),
            ("lstm.Wx", wx),
            ("embed.W", embed),
            ("lstm.Wh", wh),
            ("affine.b", affine_b),
        ]
    };
    let file = bare(shapes(&[2, 16], &[16]));
    let config = read(&file).unwrap().config();
    assert_eq!(config, Config { batch_size: 1, time_size: 1, ..CONFIG });
    for file in [bare(shapes(&[2, 4], &[16])), bare(shapes(&[2, 16], &[4]))] {
        assert!(matches!(read(&file), Err(CheckpointError::Shape { .. })));
    }
}

#[test]
fn a_file_that_was_verified_is_opened_without_its_weights_and_its_words_are_found() {
    let (_, mut bytes) = file();
    let mut places = [0; WordIndex::memory(3)];
    // in a weight: behind it are state, words, training state and checksum
    let at = bytes.len() - (4 * 4 * 4 + WORDS.len() + 80 + 4) - 1;
    bytes[at] ^= 1;
    assert_eq!(read(&bytes).err(), Some(CheckpointError::Checksum));
    let checkpoint = Checkpoint::<LstmCell>::read_verified_as(&bytes).unwrap();
    assert_eq!(checkpoint.config(), CONFIG);
    let index = checkpoint.index_words(&mut places).unwrap();
    assert_eq!((index.word(1), index.id("c")), (Some("b"), Some(2)));
    for at in 0..bytes.len() {
        assert!(Checkpoint::<LstmCell>::read_verified_as(&bytes[..at]).is_err(), "cut at {at}");
    }
    let refused = Checkpoint::read_verified(&bytes).unwrap_err();
    assert_eq!(refused.tensor(&bytes), Some("lstm.Wx"));
}

#[test]
fn a_learners_record_that_is_damaged_or_of_another_cell_is_refused() {
    let mut learner = reboots::new::<LstmCell>().unwrap();
    for i in 0..9 {
        learner.observe(i % 5).unwrap();
    }
    let mut record = reboots::record(&learner, 9).unwrap();
    type Record<'a> = LearnerRecord<'a, LstmCell>;
    assert_eq!(Record::read_as(&record).unwrap().pending().collect::<Vec<_>>(), [1, 2, 3]);
    for len in 0..record.len() {
        assert!(Record::read_as(&record[..len]).is_err(), "{len} bytes");
        assert!(Record::read_verified_as(&record[..len]).is_err(), "{len} bytes");
    }
    for at in 0..8 * record.len() {
        record[at / 8] ^= 1 << (at % 8);
        assert!(Record::read_as(&record).is_err(), "bit {at}");
        record[at / 8] ^= 1 << (at % 8);
    }
    assert!(Record::read_verified_as(&record).is_ok());
    let refused = LearnerRecord::read(&record).unwrap_err();
    assert_eq!(refused.tensor(&record), Some("lstm.Wx"));
    let tanh = reboots::record(&reboots::new::<TanhCell>().unwrap(), 0).unwrap();
    let refused = Record::read_as(&tanh).unwrap_err();
    assert_eq!(refused.tensor(&tanh), Some("rnn.Wx"));
}
