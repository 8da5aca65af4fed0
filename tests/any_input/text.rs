//! Any text: cut into tokens and numbered as the few lines of the definition do it, there and back again.

use std::collections::HashMap;

use rnnlm::{Batches, Config, Corpus, CorpusError, Vocabulary, tokens};

pub fn check(bytes: &[u8]) {
    let text = &*String::from_utf8_lossy(bytes);
    // the definition
    let spaced = text.replace('\n', " <eos> ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (mut ids, mut known) = (Vec::new(), HashMap::new());
    for &word in &words {
        let next = known.len() as u32;
        ids.push(*known.entry(word).or_insert(next));
    }

    assert!(tokens(text).eq(words.iter().copied()));
    let mut corpus = Corpus::from_text(text).unwrap();
    assert_eq!(corpus.ids(), ids);
    let vocabulary = corpus.vocabulary();
    assert_eq!(vocabulary.len(), known.len());
    assert!(known.iter().all(|(word, &id)| vocabulary.id(word) == Some(id) && vocabulary.word(id) == Some(word)));
    assert_eq!((vocabulary.word(known.len() as u32), vocabulary.id("two words")), (None, None));

    let decoded = vocabulary.decode(&ids).unwrap();
    assert!(tokens(&decoded).eq(tokens(text)));
    let lines = vocabulary.to_lines().unwrap();
    let again = Vocabulary::from_words(lines.split_terminator('\n')).unwrap();
    assert_eq!(again.encode(text).unwrap().ids, ids);

    // any lines: words that `tokens` never gives too
    match Vocabulary::from_words(text.split('\n')) {
        Ok(odd) => assert_eq!(odd.to_lines().unwrap(), format!("{text}\n")),
        Err(CorpusError::DuplicateWord { id }) => {
            let lines: Vec<&str> = text.split('\n').take(id as usize + 1).collect();
            assert!(lines[..id as usize].contains(&lines[id as usize]));
        }
        Err(error) => panic!("{error:?}"),
    }

    let half = ids.len() / 2;
    corpus.truncate(half);
    assert_eq!(corpus.ids(), &ids[..half]);
    assert_eq!(corpus.vocabulary().len(), ids[..half].iter().max().map_or(0, |&id| id as usize + 1));
    let unknown = words.iter().filter(|word| corpus.vocabulary().id(word).is_none()).count();
    match corpus.vocabulary().encode(text) {
        Ok(encoded) => assert_eq!((encoded.ids.len(), encoded.unknown), (ids.len(), unknown)),
        Err(CorpusError::UnknownWords { count, first }) => {
            assert_eq!((count, corpus.vocabulary().id("<unk>")), (unknown, None));
            assert!(corpus.vocabulary().id(words[first]).is_none());
        }
        Err(error) => panic!("{error:?}"),
    }
    batches(&ids, bytes.first().copied().unwrap_or(0));
}

/// Rows i of the windows read on from i * (data_size / N), modulo data_size.
fn batches(ids: &[u32], sizes: u8) {
    let (batch_size, time_size) = (usize::from(sizes % 8), usize::from(sizes / 8 % 8));
    let window = batch_size * time_size;
    let config = Config { vocab_size: 1, wordvec_size: 1, hidden_size: 1, batch_size, time_size };
    match Batches::new(ids, config) {
        Err(CorpusError::BadSizes) => assert_eq!(window, 0),
        Err(error) => assert_eq!(error, CorpusError::TooShort { needed: window + 1, given: ids.len() }),
        Ok(mut batches) => {
            let data_size = ids.len() - 1;
            assert_eq!(batches.steps_per_epoch(), data_size / window);
            for step in 0..5 {
                // the first call behind an epoch ends it
                let is_end = step > 0 && step % (data_size / window) == 0;
                assert!(!is_end || batches.next_window().is_none());
                let (xs, ts) = batches.next_window().unwrap();
                for (at, (&x, &t)) in xs.iter().zip(ts).enumerate() {
                    let (row, time) = (at / time_size, at % time_size);
                    let place = (row * (data_size / batch_size) + step * time_size + time) % data_size;
                    assert_eq!([x, t], [ids[place], ids[place + 1]]);
                }
                assert_eq!(batches.position(), (step + 1) * time_size % data_size);
            }
            // from any position, however far
            batches.seek(usize::MAX);
            assert_eq!(batches.position(), usize::MAX % data_size);
            let (xs, ts) = batches.next_window().unwrap();
            assert_eq!([xs[0], ts[0]], [ids[usize::MAX % data_size], ids[usize::MAX % data_size + 1]]);
        }
    }
}
