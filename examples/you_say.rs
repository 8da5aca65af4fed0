//! The picture of the book's chapter on language models, shown by running it: what comes after `you`, and what
//! after `you say`?
//!
//! `cargo run --release --example you_say`

#[path = "shared/chart.rs"]
mod chart;
#[path = "shared/visible.rs"]
mod visible;

use std::{error::Error, ops::ControlFlow};

use rnnlm::{Config, Corpus, RnnlmTrainer, Sgd, SimpleRnnlm, Vocabulary, Xorshift};

const LINE: &str = "you say goodbye and i say hello .";

fn main() -> Result<(), Failure> {
    println!("read: {LINE}");
    let (vocabulary, model) = read()?;
    for words in ["you", "you say"] {
        println!("\n{words} ...");
        for (word, p) in next_words(&vocabulary, &model, words)? {
            println!("{}", chart::line(&chart::cell(word), 8, p));
        }
    }
    Ok(())
}

/// Trains on the line for a few epochs: enough to learn which words follow one another, while both of its halves
/// are still open after `say`.
fn read() -> Result<(Vocabulary, SimpleRnnlm), Failure> {
    let corpus = Corpus::from_text(&[LINE; 50].join(" "))?;
    let vocab_size = corpus.vocabulary().len();
    let config = Config { vocab_size, wordvec_size: 16, hidden_size: 16, batch_size: 4, time_size: 4 };
    let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.5)?)?;
    trainer.fit(corpus.ids(), 5, |_| ControlFlow::<()>::Continue(()))?;
    Ok((corpus.vocabulary().clone(), trainer.into_model()))
}

type Failure = Box<dyn Error>;
/// Words with their probabilities.
type Chart<'v> = Vec<(&'v str, f32)>;

/// Every word with its probability to follow `words`, likeliest first.
fn next_words<'v>(vocabulary: &'v Vocabulary, model: &SimpleRnnlm, words: &str) -> Result<Chart<'v>, Failure> {
    let mut predictor = model.predictor()?;
    let mut chart = Vec::new();
    for id in vocabulary.encode(words)?.ids {
        let probabilities = predictor.feed(id)?;
        chart = (0..).map_while(|id| vocabulary.word(id)).zip(probabilities.iter().copied()).collect();
    }
    chart.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(chart)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_of_the_chapter() -> Result<(), Failure> {
        let (vocabulary, model) = read()?;
        let after_you = next_words(&vocabulary, &model, "you")?;
        assert!(after_you[0].0 == "say" && after_you[0].1 > 0.7, "{after_you:?}");
        let after_say = next_words(&vocabulary, &model, "you say")?;
        assert_eq!((after_say[0].0, after_say[1].0), ("goodbye", "hello"), "{after_say:?}");
        assert!(after_say[1].1 > 5.0 * after_say[2].1, "{after_say:?}");
        Ok(())
    }
}
