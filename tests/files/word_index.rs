//! Promise: a device without a heap finds words by id and ids by word, and opens a file that was verified before
//! without reading its weights.

use rnnlm::{Checkpoint, CheckpointError, Config, ConfigError, SimpleRnnlm, TrainingState, WordIndex, Xorshift};

/// V different words, in no order.
fn words(count: u32) -> Vec<String> {
    let mut rng = Xorshift::new(u64::from(count));
    (0..count).map(|i| format!("{}{}_{i}", ["", "ä", "\t", "z"][rng.below(4) as usize], rng.below(100))).collect()
}

fn lines(words: &[String]) -> String {
    words.iter().flat_map(|word| [word, "\n"]).collect()
}

#[test]
fn every_word_is_found_both_ways() {
    for count in (0..40).chain([257, 1000]) {
        let (words, v) = (words(count), count as usize);
        let text = lines(&words);
        // with room to sort and more, with room for the starts alone
        for room in [WordIndex::memory(v), WordIndex::memory(v) + 3, v, (2 * v).saturating_sub(1).max(v)] {
            let mut memory = vec![u32::MAX; room];
            let index = WordIndex::new(&text, &mut memory).unwrap();
            assert_eq!((index.len(), index.is_empty()), (v, v == 0));
            for (id, word) in words.iter().enumerate() {
                assert_eq!((index.word(id as u32), index.id(word)), (Some(&word[..]), Some(id as u32)), "{count}");
            }
            for absent in ["", "zz", "\n", "0_0\n", "ä"] {
                assert_eq!(index.id(absent), None, "{absent:?}");
            }
            assert_eq!((index.word(count), index.word(u32::MAX)), (None, None));
        }
        let mut short = vec![0; v.saturating_sub(1)];
        let given = short.len();
        if v > 0 {
            let error = ConfigError::BufferLength { needed: 2 * v, given }.into();
            assert_eq!(WordIndex::new(&text, &mut short).err(), Some(error));
        }
    }
}

#[test]
fn words_that_are_none_are_refused() {
    assert_eq!(WordIndex::new("a\nb", &mut [0; 4]).err(), Some(CheckpointError::Words));
    // the second place of a word that stands there twice, the first such
    let twice = "d\nb\na\nb\na\nb\n";
    assert_eq!(WordIndex::new(twice, &mut [0; 12]).err(), Some(CheckpointError::DuplicateWord { id: 3 }));
    assert_eq!(WordIndex::new(twice, &mut [0; 6]).unwrap().id("b"), Some(1), "unsorted, the first is found");
    // an empty word is one
    let mut memory = [0; 4];
    let index = WordIndex::new("\nx\n", &mut memory).unwrap();
    assert_eq!((index.word(0), index.id(""), index.id("x")), (Some(""), Some(0), Some(1)));
}

const CONFIG: Config = Config { vocab_size: 20, wordvec_size: 3, hidden_size: 5, batch_size: 2, time_size: 2 };

#[test]
fn of_a_verified_file_the_weights_alone_are_not_looked_at() {
    let model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1)).unwrap();
    let text = lines(&words(20));
    let mut file = vec![0; Checkpoint::encoded_len(CONFIG, text.len()).unwrap()];
    Checkpoint::write(&model, &TrainingState::default(), &text, &mut file).unwrap();
    let same = Checkpoint::read_verified(&file).unwrap();
    assert_eq!((same.config(), same.training()), (CONFIG, Some(TrainingState::default())));
    let mut memory = [0; 40];
    assert_eq!(same.index_words(&mut memory).unwrap().id(&words(20)[7]), Some(7));
    let mut other = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(2)).unwrap();
    same.load(&mut other).unwrap();
    assert_eq!((other.weights_block(), other.state()), (model.weights_block(), model.state()));

    let header = 8 + u64::from_le_bytes(*file.first_chunk().unwrap()) as usize;
    let weights = 4 * model.weights_block().len();
    let (state, words_at) = (header + weights, header + weights + 4 * 10);
    for at in 0..file.len() {
        for byte in [file[at] ^ 1, 0xff] {
            let old = std::mem::replace(&mut file[at], byte);
            let (whole, verified) = (Checkpoint::read(&file), Checkpoint::read_verified(&file));
            assert!(whole.is_err(), "byte {at}");
            if (header..state).contains(&at) || at >= file.len() - 4 {
                let config = verified.unwrap().config();
                assert_eq!(config, CONFIG, "byte {at}");
            }
            file[at] = old;
        }
    }
    // what is checked all the same
    let refused = |at: usize, bytes: &[u8]| {
        let mut file = file.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        Checkpoint::read_verified(&file).err()
    };
    assert_eq!(refused(state, &f32::NAN.to_le_bytes()), Some(CheckpointError::NotFinite { tensor: "rnnlm.state" }));
    assert_eq!(refused(words_at, &[0xff]), Some(CheckpointError::Words));
    assert_eq!(refused(words_at, b"\n"), Some(CheckpointError::Words));
    assert!(refused(header - 1, b"x").is_some());
    for len in 0..file.len() {
        assert!(Checkpoint::read_verified(&file[..len]).is_err());
    }
    // a weight that is none shows where it is used
    let mut bad = file.clone();
    bad[header + weights - 4..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    Checkpoint::read_verified(&bad).unwrap().load(&mut other).unwrap();
    assert!(other.predictor().unwrap().feed(1).is_err());
}
