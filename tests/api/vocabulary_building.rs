//! Promise: rare words become `<unk>` as the definition says, by count or by size, and any text can be encoded in any
//! vocabulary.

use std::collections::HashMap;

use proptest::prelude::*;
use rnnlm::{Corpus, CorpusError, Vocabulary, tokens};

/// The words that a limit keeps, by the definition: `<eos>`, and those before the first that is too rare or too much.
fn merged(words: &[String], min_count: usize, max_words: usize) -> Vec<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for word in words {
        match counts.iter_mut().find(|(known, _)| known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let is_full = counts.len() > max_words;
    let has_eos = counts.iter().any(|(word, _)| *word == "<eos>");
    counts.retain(|&(word, count)| !["<eos>", "<unk>"].contains(&word) && count >= min_count);
    // stable: of equally frequent words the first to appear comes first
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    if is_full {
        counts.truncate(max_words.saturating_sub(1 + usize::from(has_eos)));
    }
    let is_kept = |word: &str| word == "<eos>" || counts.iter().any(|&(kept, _)| kept == word);
    words.iter().map(|word| if is_kept(word) { word.clone() } else { "<unk>".into() }).collect()
}

/// Ids by first appearance.
fn numbered(words: &[String]) -> (Vec<u32>, Vec<String>) {
    let (mut known, mut list) = (HashMap::new(), Vec::new());
    let ids = words.iter().map(|word| {
        *known.entry(word).or_insert_with(|| {
            list.push(word.clone());
            list.len() as u32 - 1
        })
    });
    (ids.collect(), list)
}

fn assert_is(corpus: &Corpus, words: &[String]) {
    let (ids, list) = numbered(words);
    assert_eq!(corpus.ids(), ids);
    assert!(corpus.vocabulary().words().eq(list.iter()), "{list:?}");
    assert!(list.iter().all(|word| corpus.vocabulary().id(word).is_some()));
}

fn texts() -> impl Strategy<Value = String> {
    // few words, so that many are equally frequent
    proptest::collection::vec("[a-h]|[a-z]{2}|世界|<unk>|\n|\n|<eos>", 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn rare_words_are_merged_as_the_definition_says(
        text in texts(), min_count in 0_usize..5, max_words in 0_usize..14, len in 0_usize..60,
    ) {
        let words: Vec<String> = tokens(&text).map(String::from).collect();
        let corpus = Corpus::from_text(&text).unwrap();
        assert_is(&corpus.clone().with_min_count(min_count).unwrap(), &merged(&words, min_count, usize::MAX));
        assert_is(&corpus.clone().with_max_words(max_words).unwrap(), &merged(&words, 0, max_words));
        let by_both = corpus.with_min_count(min_count).unwrap().with_max_words(max_words).unwrap();
        let once = merged(&words, min_count, usize::MAX);
        let mut twice = merged(&once, 0, max_words);
        assert_is(&by_both, &twice);
        prop_assert!(by_both.vocabulary().len() <= max_words.max(2));
        // cut short it is still numbered by first appearance
        let mut cut = by_both.clone();
        cut.truncate(len);
        twice.truncate(len);
        assert_is(&cut, &twice);
        // whoever reads the text with these words gets these ids
        prop_assert_eq!(&by_both.vocabulary().encode_known(&text).unwrap().ids[..], by_both.ids());
    }

    #[test]
    fn words_without_an_id_are_replaced_or_left_out(known in texts(), text in texts()) {
        let vocabulary = Corpus::from_text(&known).unwrap().vocabulary().clone();
        let unk = vocabulary.id("<unk>");
        let (mut ids, mut unknown, mut first) = (Vec::new(), 0, None);
        for (position, token) in tokens(&text).enumerate() {
            match vocabulary.words().position(|word| word == token) {
                Some(id) => ids.push(id as u32),
                None => {
                    unknown += 1;
                    first = first.or(Some(position));
                    ids.extend(unk);
                }
            }
        }
        let encoded = vocabulary.encode_known(&text).unwrap();
        prop_assert_eq!((&encoded.ids, encoded.unknown), (&ids, unknown));
        match (vocabulary.encode(&text), first) {
            (Err(error), Some(first)) => {
                prop_assert_eq!(unk, None);
                prop_assert_eq!(error, CorpusError::UnknownWords { count: unknown, first });
            }
            (same, _) => prop_assert_eq!(same, Ok(encoded)),
        }
    }
}

#[test]
fn a_text_without_rare_words_stays_and_gets_no_unk() {
    let text = "the pump starts\nthe pump stops\nstarts stops\n";
    let corpus = Corpus::from_text(text).unwrap();
    assert_eq!(corpus.clone().with_min_count(2), Ok(corpus.clone()));
    assert_eq!(corpus.clone().with_max_words(5), Ok(corpus.clone()));
    assert_eq!(corpus.clone().with_max_words(usize::MAX), Ok(corpus));
}

#[test]
fn no_limit_is_too_small() {
    let corpus = Corpus::from_text("a b\na\n").unwrap();
    for tiny in [corpus.clone().with_max_words(0), corpus.clone().with_max_words(1), corpus.with_min_count(usize::MAX)]
    {
        assert!(tiny.unwrap().vocabulary().words().eq(["<unk>", "<eos>"]));
    }
    let empty = Corpus::from_text("").unwrap().with_max_words(0).unwrap().with_min_count(9).unwrap();
    assert_eq!((empty.ids().len(), empty.vocabulary()), (0, &Vocabulary::new()));
}
