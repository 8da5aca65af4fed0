//! The files that a run writes.

use crate::{
    args::Options,
    output::{Output, real},
    text::Source,
};

/// What to write; each is there where the user asks for it.
#[derive(Debug)]
pub struct Files {
    pub csv: Option<Output>,
    pub plot: Option<Output>,
    pub save: Option<Output>,
    pub best: Option<Output>,
    /// The model as int8 weights.
    pub int8: Option<Output>,
}

impl Files {
    /// Finds out before the run whether all can be written, and that none is written over another file of the run.
    pub fn prepare(options: &Options, source: &Source) -> Result<Self, String> {
        let outputs = [
            ("--csv", &options.csv),
            ("--plot", &options.plot),
            ("--save", &options.save),
            ("--save-best", &options.save_best),
            ("--quantize", &options.quantize),
        ];
        let [csv, plot, save, best, int8] = outputs.map(|(_, path)| path.as_deref().map(Output::prepare).transpose());
        let files = Self { csv: csv?, plot: plot?, save: save?, best: best?, int8: int8? };

        let read = [("--valid", &options.valid), ("--test", &options.test), ("--vocabulary", &options.vocabulary)];
        let mut taken = read.map(|(flag, path)| (flag, path.clone())).to_vec();
        match source {
            Source::Folder(folder) => {
                let names = ["ptb.train.txt", "ptb.valid.txt", "ptb.test.txt"];
                taken.extend(names.map(|name| ("--data", Some(folder.join(name)))));
            }
            Source::File(file) => taken.push(("--data", Some(file.clone()))),
            Source::Stdin | Source::BuiltIn => {}
        }
        for (flag, path) in outputs {
            let models = ["--save", "--save-best"].contains(&flag);
            // a model may be written where it was loaded from
            let loaded = ("--load", options.load.clone().filter(|_| !models));
            for (other, at) in taken.iter().chain([&loaded]) {
                if let (Some(path), Some(at)) = (path, at)
                    && real(path) == real(at)
                {
                    return Err(format!("{flag} and {other} name the same file: its content would be lost"));
                }
            }
            taken.push((flag, path.clone()));
        }
        Ok(files)
    }
}
