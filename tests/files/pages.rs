//! Promise: a checkpoint written in pages of any length is, byte for byte, the one written at once, and a file that is
//! refused reaches nobody.
#![cfg(feature = "alloc")]

use rnnlm::{Checkpoint, CheckpointError, Config, SimpleRnnlm, TrainingState, Xorshift};

const CONFIG: Config = Config { vocab_size: 7, wordvec_size: 2, hidden_size: 4, batch_size: 2, time_size: 3 };
const WORDS: &str = "yes\nno\n\nperhaps\nnever\nja\nalways\n";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Refused(CheckpointError),
    Full,
}

impl From<CheckpointError> for Fault {
    fn from(error: CheckpointError) -> Self {
        Self::Refused(error)
    }
}

fn model() -> SimpleRnnlm {
    SimpleRnnlm::new(CONFIG, &mut Xorshift::new(3)).unwrap()
}

/// The pages, of which the one of that number is refused; and what came of it.
fn pages(
    model: &SimpleRnnlm,
    training: &TrainingState,
    words: &str,
    page_len: usize,
    full: usize,
) -> (Vec<Vec<u8>>, Result<usize, Fault>) {
    let mut pages = Vec::new();
    let written = Checkpoint::write_with(model, training, words, &mut vec![0xaa; page_len], |page| {
        pages.push(page.to_vec());
        if pages.len() == full { Err(Fault::Full) } else { Ok(()) }
    });
    (pages, written)
}

#[test]
fn pages_of_any_length_make_the_same_file() {
    let (model, training) = (model(), TrainingState::default());
    for words in ["", WORDS] {
        let mut file = vec![0; Checkpoint::encoded_len(CONFIG, words.len()).unwrap()];
        Checkpoint::write(&model, &training, words, &mut file).unwrap();
        for page_len in (8..300).chain(file.len() - 2..file.len() + 3) {
            let (pages, written) = pages(&model, &training, words, page_len, usize::MAX);
            assert_eq!(written, Ok(file.len()));
            assert_eq!(pages.concat(), file, "pages of {page_len}");
            assert_eq!(pages.len(), file.len().div_ceil(page_len));
            assert!(pages.iter().rev().skip(1).all(|page| page.len() == page_len), "pages of {page_len}");
        }
    }
}

#[test]
fn the_first_error_of_the_sink_is_the_last_call() {
    let (model, training) = (model(), TrainingState::default());
    for page_len in [8, 13, 40] {
        let count = pages(&model, &training, WORDS, page_len, usize::MAX).0.len();
        for full in 1..=count {
            let (pages, written) = pages(&model, &training, WORDS, page_len, full);
            assert_eq!((pages.len(), written), (full, Err(Fault::Full)), "pages of {page_len}");
        }
    }
}

#[test]
fn a_file_that_is_refused_reaches_nobody() {
    let (good, training) = (model(), TrainingState::default());
    let refused = |model: &SimpleRnnlm, training: &TrainingState, words: &str, page_len: usize| {
        let (pages, written) = pages(model, training, words, page_len, usize::MAX);
        assert!(pages.is_empty(), "{written:?}");
        written
    };
    for given in 0..8 {
        let expected = Err(Fault::Refused(CheckpointError::BufferLength { needed: 8, given }));
        assert_eq!(refused(&good, &training, WORDS, given), expected);
        assert_eq!(refused(&good, &training, "", given), expected);
    }
    let words = Err(Fault::Refused(CheckpointError::Words));
    assert_eq!(refused(&good, &training, "a\nb\n", 8), words);
    let bad = TrainingState { decay: 0.5, ..training };
    assert_eq!(refused(&good, &bad, WORDS, 8), Err(Fault::Refused(CheckpointError::Training)));
    let mut last = model();
    last.weights_mut().affine_b.as_mut_slice()[6] = f32::NAN;
    let expected = Err(Fault::Refused(CheckpointError::NotFinite { tensor: "affine.b" }));
    assert_eq!(refused(&last, &training, WORDS, 8), expected);
    let mut state = [0.5; 8];
    state[7] = f32::INFINITY;
    let mut last = model();
    last.set_state(&state).unwrap();
    let expected = Err(Fault::Refused(CheckpointError::NotFinite { tensor: "rnnlm.state" }));
    assert_eq!(refused(&last, &training, WORDS, 8), expected);
    // the same word is named, however many of them fit
    let twice = "a\nb\nc\nb\nc\na\na\n";
    for page_len in 8..64 {
        let expected = Err(Fault::Refused(CheckpointError::DuplicateWord { id: 3 }));
        assert_eq!(refused(&good, &training, twice, page_len), expected);
    }
}
