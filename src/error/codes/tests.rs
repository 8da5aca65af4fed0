extern crate std;
use std::{format, string::ToString, vec, vec::Vec};

use super::*;
use crate::error::Error;

/// Every variant, in the order of the codes.
fn all() -> Vec<Error> {
    let (needed, given, at, tensor, id) = (1, 2, 3, "rnn.b", 4);
    let config = [
        Config::ZeroSize,
        Config::TooLarge,
        Config::OutOfMemory,
        Config::ShapesDiffer,
        Config::MatrixLength { needed, given },
        Config::BufferLength { needed, given },
        Config::BatchSize { given },
    ];
    let parameter = [
        Parameter::LearningRate,
        Parameter::MaxNorm,
        Parameter::Decay,
        Parameter::BestLoss,
        Parameter::Temperature,
        Parameter::TrainingState,
    ];
    let step = [
        Step::Length { needed, given },
        Step::IdOutOfRange { id },
        Step::NonFiniteLoss,
        Step::NonFinitePrediction,
        Step::NonFiniteUpdate,
        Step::OtherSizes,
        Step::StepIsDue,
    ];
    let corpus = [
        Corpus::TooShort { needed, given },
        Corpus::BadSizes,
        Corpus::WindowLength { needed, given },
        Corpus::UnknownWords { count: 1, first: 0 },
        Corpus::UnknownId { id },
        Corpus::DuplicateWord { id },
        Corpus::LineBreak { id },
        Corpus::TooLarge,
        Corpus::OutOfMemory,
    ];
    let checkpoint = [
        Checkpoint::Truncated,
        Checkpoint::Header { at },
        Checkpoint::UnknownTensor { at },
        Checkpoint::Duplicate { at },
        Checkpoint::Missing { tensor },
        Checkpoint::Type { tensor },
        Checkpoint::Shape { tensor },
        Checkpoint::Layout,
        Checkpoint::Checksum,
        Checkpoint::Version { found: 2 },
        Checkpoint::Training,
        Checkpoint::Words,
        Checkpoint::NotFinite { tensor },
        Checkpoint::OtherSizes,
        Checkpoint::BufferLength { needed, given },
        Checkpoint::NotSafetensors,
        Checkpoint::DuplicateWord { id },
        Checkpoint::MidStep,
        Checkpoint::Pending,
    ];
    let mut all: Vec<Error> = config.into_iter().map(Error::from).collect();
    all.extend(parameter.into_iter().map(Error::from));
    all.extend(step.into_iter().map(Error::from));
    all.extend(corpus.into_iter().map(Error::from));
    all.extend(checkpoint.into_iter().map(Error::from));
    all.push(Train::OutOfMemory.into());
    all.extend([Isa::Unknown, Isa::NotHere].map(Error::from));
    all
}

#[test]
fn codes_are_pinned_and_listed() {
    let counts = [(100, 7), (200, 6), (300, 7), (400, 9), (500, 19), (600, 1), (700, 2)];
    let expected: Vec<u16> = counts.into_iter().flat_map(|(group, count)| group + 1..=group + count).collect();
    assert_eq!(all().iter().map(Error::code).collect::<Vec<_>>(), expected);
    let page = include_str!("../any.rs");
    for error in all() {
        let debug = format!("{error:?}");
        let variant = debug.split(['(', ' ', ')']).nth(1).unwrap_or_default();
        let entry = format!("{} {variant}", error.code());
        assert!(page.contains(&entry), "{entry} is not listed");
    }
}

#[test]
fn the_cause_has_the_code_whatever_it_came_through() {
    let parameter = Parameter::MaxNorm;
    let through =
        [Error::from(parameter), Error::from(Step::from(parameter)), Error::from(Train::from(Step::from(parameter)))];
    assert_eq!(through.map(|error| error.code()), [202; 3]);
    assert_eq!(through.map(|error| error.as_str()), [parameter.as_str(); 3]);
    let step = Train::from(Corpus::BadSizes);
    assert_eq!((Error::from(step).code(), Error::from(Checkpoint::from(Config::ZeroSize)).code()), (402, 101));
}

#[test]
fn words_without_numbers_are_the_message() {
    for error in all() {
        let (words, message) = (error.as_str(), error.to_string());
        let has_numbers = format!("{error:?}").contains('{') || (700..800).contains(&error.code());
        assert!(has_numbers || words == message, "{words:?} {message:?}");
        assert!(!words.is_empty() && !message.is_empty());
    }
}

#[test]
fn sources_lead_down_to_the_cause() {
    let error = Error::from(Train::from(Step::from(Parameter::MaxNorm)));
    let mut found = vec![error.to_string()];
    let mut at: &dyn core::error::Error = &error;
    while let Some(source) = at.source() {
        found.push(source.to_string());
        at = source;
    }
    assert_eq!(found, [Parameter::MaxNorm.as_str(); 4]);
}
