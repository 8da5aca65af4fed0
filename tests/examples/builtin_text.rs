//! Promise: the built-in text of the example can be learned, and its true perplexity is the one that the example
//! prints.

use std::{iter, ops::ControlFlow};

use rnnlm::{Config, Corpus, RnnlmTrainer, Sgd, SimpleRnnlm, Xorshift, perplexity};

use crate::grammar::Grammar;

#[test]
fn a_model_trained_on_200_000_tokens_comes_within_15_percent_of_the_truth() {
    let grammar = Grammar::new();
    let corpus = Corpus::from_text(&grammar.text(1, 200_000)).unwrap();
    let held_out = corpus.vocabulary().encode(&grammar.text(2, 20_000)).unwrap();
    assert_eq!((corpus.ids().len(), held_out.ids.len(), held_out.unknown), (200_000, 20_000, 0));

    let vocab_size = corpus.vocabulary().len();
    let config = Config { vocab_size, wordvec_size: 100, hidden_size: 100, batch_size: 10, time_size: 5 };
    let model = SimpleRnnlm::new(config, &mut Xorshift::new(1)).unwrap();
    let mut trainer = RnnlmTrainer::new(model, Sgd::new(0.2).unwrap()).unwrap();
    // the rate is halved after each of the later epochs
    let rates = iter::repeat_n(0.2, 3).chain([0.1, 0.05, 0.025]);
    for (epoch, rate) in (1..).zip(rates) {
        trainer
            .fit(corpus.ids(), epoch, |progress| {
                progress.optimizer.set_learning_rate(rate / 2.0).unwrap();
                ControlFlow::<()>::Continue(())
            })
            .unwrap();
    }
    let reached = f64::from(perplexity(trainer.model_mut().evaluate(&held_out.ids).unwrap()));
    let truth = grammar.perplexity();
    println!("held-out perplexity {reached:.2}, true perplexity {truth:.2}: {:.3}", reached / truth);
    assert!(reached < 1.15 * truth, "held-out perplexity {reached}, true perplexity {truth}");
    assert!(reached > 0.9 * truth, "below the entropy of the source: {reached}, true {truth}");
}
