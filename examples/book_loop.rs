//! The loop of the book's `train_custom_loop.py`, by hand: read a window, forward, backward and update, perplexity.
//!
//! ```sh
//! cargo run --release --example book_loop
//! ```

use std::fs;

use rnnlm::{Batches, Config, Corpus, Error, SimpleRnnlm, Xorshift, perplexity};

/// Stands for the first 1000 tokens of the Penn Treebank where they are not there.
const TEXT: &str = "you say goodbye and i say hello .\n";

fn main() -> Result<(), Error> {
    let text = fs::read_to_string("data/ptb.train.txt").unwrap_or_else(|_| TEXT.repeat(112));
    let mut corpus = Corpus::from_text(&text)?;
    corpus.truncate(1000);
    let losses = train(&corpus, 100, |epoch, loss| println!("| epoch {epoch} | perplexity {:.2}", perplexity(loss)))?;
    if let [first, .., last] = losses[..] {
        println!("from {:.2} to {:.2}", perplexity(first), perplexity(last));
    }
    Ok(())
}

/// Trains the book's model and gives the mean loss of each epoch.
fn train(corpus: &Corpus, epochs: usize, mut report: impl FnMut(usize, f32)) -> Result<Vec<f32>, Error> {
    let vocab_size = corpus.vocabulary().len();
    let config = Config { vocab_size, wordvec_size: 100, hidden_size: 100, batch_size: 10, time_size: 5 };
    let mut model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
    let mut batches = Batches::new(corpus.ids(), config)?;

    let mut losses = Vec::new();
    for epoch in 1..=epochs {
        let (mut total, mut count) = (0.0, 0);
        // a window of N rows and T steps; `None` at the end of an epoch, from where the next one goes on
        while let Some((xs, ts)) = batches.next_window() {
            // the loss is that before the update
            total += model.forward(xs, ts)?.sgd(0.1)?;
            count += 1;
        }
        let loss = total / count as f32;
        report(epoch, loss);
        losses.push(loss);
    }
    Ok(losses)
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use rnnlm::{RnnlmTrainer, Sgd};

    use super::*;

    #[test]
    fn it_learns_as_the_trainer_does() -> Result<(), Error> {
        let corpus = Corpus::from_text(&TEXT.repeat(112))?;
        let mut told = 0;
        let losses = train(&corpus, 12, |epoch, _| told = epoch)?;
        assert_eq!((losses.len(), told), (12, 12));
        assert!(perplexity(losses[0]) < 9.0 && perplexity(losses[11]) < 1.5, "{losses:?}");

        let vocab_size = corpus.vocabulary().len();
        let config = Config { vocab_size, wordvec_size: 100, hidden_size: 100, batch_size: 10, time_size: 5 };
        let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
        let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.1)?)?;
        trainer.fit(corpus.ids(), 12, |_| ControlFlow::<()>::Continue(()))?;
        for (ours, theirs) in losses.iter().zip(trainer.perplexities()) {
            assert!((perplexity(*ours) - theirs).abs() < 1e-4 * theirs, "{losses:?}");
        }
        Ok(())
    }
}
