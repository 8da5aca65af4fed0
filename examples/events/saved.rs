//! A detector as two files: the model's checkpoint, and beside it the threshold and the measures as text.

use std::{fmt::Write, fs, path::Path};

use rnnlm::{Checkpoint, Detector, EventIds, OnlineLearner, SimpleRnnlm, TrainingState, Vocabulary};

use crate::keys;

/// A model with its keys.
pub struct Saved {
    pub model: SimpleRnnlm,
    pub vocabulary: Vocabulary,
    pub ids: EventIds,
}

pub fn save(path: &Path, model: &SimpleRnnlm, vocabulary: &Vocabulary) -> Result<(), String> {
    let bytes = Checkpoint::to_vec(model, &TrainingState::default(), vocabulary);
    let bytes = bytes.map_err(|error| error.to_string())?;
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

pub fn load(path: &Path) -> Result<Saved, String> {
    let failed = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let bytes = fs::read(path).map_err(|error| failed(&error))?;
    let (model, _, vocabulary) =
        Checkpoint::read(&bytes).map_err(|error| failed(&error))?.restore().map_err(|error| failed(&error))?;
    if model.config().batch_size != 1 {
        return Err(failed(&"it reads several rows side by side: name a model of `events learn`"));
    }
    let ids = keys::ids(&vocabulary)
        .ok_or_else(|| failed(&"its words lack <eos> or <unk>: name a model of `events learn`"))?;
    Ok(Saved { model, vocabulary, ids })
}

/// Threshold, then a line for each event: count and mean surprise.
pub fn save_calibration(path: &Path, detector: &Detector<OnlineLearner>) -> Result<(), String> {
    let (counts, means) = detector.measures().split_at(detector.measures().len() / 2);
    let mut text = format!("threshold {:?}\n", detector.threshold());
    for (count, mean) in counts.iter().zip(means) {
        let _ = writeln!(text, "{count:?} {mean:?}");
    }
    let path = beside(path);
    fs::write(&path, text).map_err(|error| format!("{path}: {error}"))
}

/// The detector of a model, as it was calibrated.
pub fn detector(path: &Path, saved: &Saved) -> Result<Detector<OnlineLearner, Vec<f32>>, String> {
    let path = beside(path);
    let text = fs::read_to_string(&path).map_err(|error| format!("{path}: {error}; `events calibrate` makes it"))?;
    let numbers = |line: &str| -> Option<Vec<f32>> {
        line.split(' ').map(|word| word.parse().ok().filter(|x: &f32| !x.is_nan())).collect()
    };
    let mut lines = text.lines();
    let threshold = lines.next().and_then(|line| numbers(line.strip_prefix("threshold ")?)).map(|x| x[0]);
    let pairs: Option<Vec<Vec<f32>>> = lines.map(|line| numbers(line).filter(|pair| pair.len() == 2)).collect();
    let (Some(threshold), Some(pairs)) = (threshold, pairs) else {
        return Err(format!("{path}: not a calibration"));
    };
    let measures = pairs.iter().map(|pair| pair[0]).chain(pairs.iter().map(|pair| pair[1])).collect();
    let failed = |error: &dyn std::fmt::Display| format!("{path}: {error}");
    let learner = OnlineLearner::new(saved.model.clone(), 0.1).map_err(|error| failed(&error))?;
    let mut detector = Detector::with_buffers(learner, saved.ids, measures).map_err(|error| failed(&error))?;
    detector.set_threshold(threshold);
    Ok(detector)
}

fn beside(path: &Path) -> String {
    format!("{}.normal", path.display())
}
