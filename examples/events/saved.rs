//! A detector as two files: the model's checkpoint, and beside it the threshold and the measures as text.

use std::{
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

use rnnlm::{Balance, Cell, Checkpoint, Detector, EventIds, Model, OnlineLearner, Storage, TrainingState, Vocabulary};

use crate::{file, keys, proof::Balanced};

/// At which a detector goes on learning, by the mean loss of a window of 8 events. Small: ten times as much stirs the
/// model so that normal sessions exceed a threshold that was set before.
const LEARNING_RATE: f32 = 0.003;

/// The file of a model, before its cell is known.
pub struct File<'p> {
    pub path: &'p Path,
    bytes: Vec<u8>,
}

impl<'p> File<'p> {
    pub fn read(path: &'p Path) -> Result<Self, String> {
        Ok(Self { path, bytes: file::bytes(path)? })
    }

    /// Whether its tensors are those of an LSTM.
    pub fn is_lstm(&self) -> bool {
        file::is_lstm(&self.bytes)
    }
}

/// A model with its keys.
pub struct Saved<C> {
    pub model: Model<C>,
    pub vocabulary: Vocabulary,
    pub ids: EventIds,
}

pub fn save<C: Cell>(path: &Path, model: &Model<C>, vocabulary: &Vocabulary) -> Result<(), String> {
    let bytes = Checkpoint::to_vec(model, &TrainingState::default(), vocabulary);
    let bytes = bytes.map_err(|error| error.to_string())?;
    write(path, &bytes)
}

/// Whoever reads the file meets the old content or the new.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    let done = fs::write(&new, bytes).and_then(|()| fs::rename(&new, path));
    done.map_err(|error| format!("{}: {error}", path.display()))
}

pub fn load<C: Cell>(File { path, bytes }: &File<'_>) -> Result<Saved<C>, String> {
    let failed = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
    let (model, _, vocabulary) =
        Checkpoint::read_as(bytes).map_err(|error| failed(&error))?.restore().map_err(|error| failed(&error))?;
    if model.config().batch_size != 1 {
        return Err(failed(&"it reads several rows side by side: name a model of `events learn`"));
    }
    let ids = keys::ids(&vocabulary)
        .ok_or_else(|| failed(&"its words lack <eos> or <unk>: name a model of `events learn`"))?;
    Ok(Saved { model, vocabulary, ids })
}

/// Threshold, then a line for each event: count, mean surprise, the number of sessions that hold it, and the words of
/// its row of the balance.
pub fn save_calibration<C: Cell, L: Storage>(path: &Path, detector: &Balanced<C, L>) -> Result<(), String> {
    let v = detector.measures().len() / 2;
    let (counts, means) = detector.measures().split_at(v);
    let (sessions, rows) = detector.balance().learned().split_at(v);
    let mut text = format!("threshold {:?}\n", detector.threshold());
    for (i, row) in rows.chunks(v.div_ceil(32)).enumerate() {
        let _ = write!(text, "{:?} {:?} {}", counts[i], means[i], sessions[i]);
        row.iter().for_each(|word| {
            let _ = write!(text, " {word:x}");
        });
        text.push('\n');
    }
    write(&beside(path), text.as_bytes())
}

/// A line of [`save_calibration`]: count and mean, sessions, row of so many words.
fn event(line: &str, row_len: usize) -> Option<([f32; 2], u32, Vec<u32>)> {
    let mut words = line.split(' ');
    let mut float = || words.next()?.parse().ok().filter(|x: &f32| !x.is_nan());
    let measures = [float()?, float()?];
    let sessions = words.next()?.parse().ok()?;
    let row: Option<Vec<u32>> = words.map(|word| u32::from_str_radix(word, 16).ok()).collect();
    Some((measures, sessions, row.filter(|row| row.len() == row_len)?))
}

/// The detector of a model, as it was calibrated.
pub fn detector<C: Cell>(path: &Path, saved: &Saved<C>) -> Result<Balanced<C, Vec<f32>>, String> {
    let path = beside(path);
    let text = fs::read_to_string(&path)
        .map_err(|error| format!("{}: {error}; `events calibrate` makes it", path.display()))?;
    let mut lines = text.lines();
    let threshold = lines.next().and_then(|line| line.strip_prefix("threshold ")?.parse().ok());
    let threshold = threshold.filter(|threshold: &f32| !threshold.is_nan());
    let v = saved.ids.vocab_size as usize;
    let events: Option<Vec<_>> = lines.map(|line| event(line, v.div_ceil(32))).collect();
    let (Some(threshold), Some(events)) = (threshold, events) else {
        return Err(format!("{}: not a calibration", path.display()));
    };
    let measure = |i: usize| events.iter().map(move |(measures, ..)| measures[i]);
    let measures = measure(0).chain(measure(1)).collect();
    let learned =
        events.iter().map(|(_, sessions, _)| *sessions).chain(events.iter().flat_map(|event| event.2.clone()));
    let balance = Balance::with_buffer(v, learned.chain(vec![0; v]).collect());
    let made = || -> Result<_, rnnlm::Error> {
        let learner = OnlineLearner::new(saved.model.clone(), LEARNING_RATE)?;
        Ok(Detector::with_buffers(learner, saved.ids, measures)?.with_balance(balance?)?)
    };
    let mut detector = made().map_err(|error| format!("{}: {error}", path.display()))?;
    detector.set_threshold(threshold);
    Ok(detector)
}

/// A new model has none: the old one's measures would be another model's.
pub fn remove_calibration(path: &Path) -> Result<(), String> {
    let path = beside(path);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(format!("{}: {error}", path.display())),
        _ => Ok(()),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".normal");
    name.into()
}
