//! The examples do what they say. Their own unit tests run here too: `you_say` shows the picture of the book's chapter,
//! the loop that `book_loop` writes by hand learns, with the losses of the trainer, and the gradients of
//! `gradient_norms` vanish, explode or last.
#![cfg(feature = "alloc")]
#![allow(clippy::duplicate_mod)] // `visible`, which `you_say` has too

mod builtin_text;
mod curves;
mod events;
mod example;
mod first_contact;
mod int8;
mod lstm;
mod on_the_way;
mod own_text;
mod predict;
mod prompts;
mod ptb;
mod ptb_saves;
mod scores;
mod terminal;
mod tour;

#[allow(dead_code)]
#[path = "../../examples/ptb/args.rs"]
mod args;
#[allow(dead_code)]
#[path = "../../examples/book_loop.rs"]
mod book_loop;
#[allow(dead_code)]
#[path = "../../examples/events/judge.rs"]
mod events_judge;
#[allow(dead_code)]
#[path = "../../examples/events/keys.rs"]
mod events_keys;
#[allow(dead_code)]
#[path = "../../examples/events/watch.rs"]
mod events_watch;
#[allow(dead_code)]
#[path = "../../examples/shared/flags.rs"]
mod flags;
#[allow(dead_code)]
#[path = "../../examples/gradient_norms.rs"]
mod gradient_norms;
#[path = "../../examples/ptb/grammar.rs"]
mod grammar;
#[allow(dead_code)]
#[path = "../../examples/ptb/history.rs"]
mod history;
#[allow(dead_code)]
#[path = "../../examples/ptb/input.rs"]
mod input;
#[allow(dead_code)]
#[path = "../../examples/ptb/output.rs"]
mod output;
#[path = "../../examples/shared/pages.rs"]
mod pages;
#[path = "../../examples/shared/picture.rs"]
mod picture;
#[allow(dead_code)]
#[path = "../../examples/ptb/plot.rs"]
mod plot;
#[allow(dead_code)]
#[path = "../../examples/ptb/progress.rs"]
mod progress;
#[allow(dead_code)]
#[path = "../../examples/shared/tokenizer.rs"]
mod tokenizer;
#[path = "../../examples/shared/visible.rs"]
mod visible;
#[allow(dead_code)]
#[path = "../../examples/you_say.rs"]
mod you_say;
