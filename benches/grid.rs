//! Share of the FMA peak that a training step reaches, over vocabulary, hidden size and window, as rows and a picture:
//!
//! ```text
//! taskset -c 0 cargo bench --bench grid -- [--csv FILE] [--svg FILE] [--most-words V] [--most-hidden H]
//! ```
//!
//! D = H. Each cell is the fastest step of at least three, on the widest instruction set, against the peak that a loop
//! over registers reaches right before or after. A window of one row and one step is bound by memory: it reads all
//! weights of the output layer three times and writes them once, so its share is low for every library. All cells take
//! six to fifteen minutes and 1.7 GB.

#[allow(dead_code, unused_imports)]
#[path = "../examples/shared/pages.rs"]
mod pages;
#[allow(dead_code)]
#[path = "peers/src/peak.rs"]
mod peak;

use std::{env, fmt::Write as _, fs, process::ExitCode, time::Instant};

use pages::Pages;
use peak::widths;
use rnnlm::{Config, Error, Isa, SimpleRnnlm, Xorshift};

const WORDS: [usize; 4] = [418, 2_000, 10_000, 50_000];
const HIDDEN: [usize; 10] = [16, 32, 64, 100, 128, 256, 512, 650, 1024, 2048];
/// N and T.
const WINDOWS: [[usize; 2]; 4] = [[1, 1], [1, 8], [10, 5], [20, 35]];
const HEADER: &str = "N,T,V,H,microseconds,share";
/// For a cell, unless three steps take longer.
const SECONDS: f64 = 0.4;

struct Cell {
    config: Config,
    /// Seconds of the fastest step.
    step: f64,
    /// Of the peak.
    share: f64,
}

struct Asked {
    csv: Option<String>,
    svg: Option<String>,
    most_words: usize,
    most_hidden: usize,
}

impl Asked {
    fn parse() -> Result<Self, String> {
        let mut asked = Self { csv: None, svg: None, most_words: usize::MAX, most_hidden: usize::MAX };
        let mut words = env::args().skip(1).filter(|word| word != "--bench");
        while let Some(flag) = words.next() {
            let value = words.next().ok_or(format!("{flag} needs a value"))?;
            let number = || value.parse().map_err(|_| format!("{flag} {value} is no number"));
            match flag.as_str() {
                "--csv" => asked.csv = Some(value),
                "--svg" => asked.svg = Some(value),
                "--most-words" => asked.most_words = number()?,
                "--most-hidden" => asked.most_hidden = number()?,
                _ => return Err(format!("{flag} is unknown: --csv, --svg, --most-words or --most-hidden")),
            }
        }
        Ok(asked)
    }
}

/// Floating-point operations of a step.
fn flop(config: &Config) -> f64 {
    let &Config { vocab_size: v, wordvec_size: d, hidden_size: h, batch_size: n, time_size: t } = config;
    (6 * (d * h + h * h + h * v) * n * t) as f64
}

fn model(config: Config) -> Result<SimpleRnnlm<Pages>, Error> {
    let memory = config.memory()?;
    let pages = |len| Pages::zeroed(len).map_err(|_| rnnlm::ConfigError::OutOfMemory);
    let mut model = SimpleRnnlm::with_buffers(config, pages(memory.weights)?, pages(memory.workspace)?)?;
    model.initialize(&mut Xorshift::new(1));
    Ok(model)
}

/// Seconds of the fastest step.
fn fastest(config: Config) -> Result<f64, Error> {
    let mut model = model(config)?;
    let mut rng = Xorshift::new(2);
    let window = config.batch_size * config.time_size;
    let ids: Vec<u32> = (0..2 * window).map(|_| rng.below(config.vocab_size as u32)).collect();
    let (xs, ts) = ids.split_at(window);
    let (begin, mut fastest, mut steps) = (Instant::now(), f64::INFINITY, 0);
    while steps < 3 || begin.elapsed().as_secs_f64() < SECONDS {
        let step = Instant::now();
        model.forward(xs, ts)?.sgd(0.01)?;
        fastest = fastest.min(step.elapsed().as_secs_f64());
        steps += 1;
    }
    Ok(fastest)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let asked = Asked::parse()?;
    let isa = Isa::detect();
    let Some(width) = widths().into_iter().find(|width| width.isa == isa.name()) else {
        return Err(format!("no peak is known of {}", isa.name()));
    };
    println!("{}, GFLOP/s of the peak {:.0}", isa.name(), width.measure());
    println!("{HEADER}");
    let mut cells = Vec::new();
    for [batch_size, time_size] in WINDOWS {
        for vocab_size in WORDS.into_iter().filter(|&v| v <= asked.most_words) {
            for hidden_size in HIDDEN.into_iter().filter(|&h| h <= asked.most_hidden) {
                let config = Config { vocab_size, wordvec_size: hidden_size, hidden_size, batch_size, time_size };
                let before = width.measure();
                let step = fastest(config).map_err(|error| format!("{config:?}: {error}"))?;
                let peak = before.max(width.measure());
                let cell = Cell { config, step, share: flop(&config) / step / (peak * 1e9) };
                println!("{}", row(&cell));
                cells.push(cell);
            }
        }
    }
    let rows: String = cells.iter().map(|cell| row(cell) + "\n").collect();
    let write = |path: &str, text: String| fs::write(path, text).map_err(|error| format!("{path}: {error}"));
    if let Some(path) = &asked.csv {
        write(path, format!("{HEADER}\n{rows}"))?;
    }
    if let Some(path) = &asked.svg {
        write(path, picture(&cells, isa.name()))?;
    }
    Ok(())
}

fn row(Cell { config, step, share }: &Cell) -> String {
    let &Config { vocab_size: v, hidden_size: h, batch_size: n, time_size: t, .. } = config;
    format!("{n},{t},{v},{h},{:.2},{share:.3}", step * 1e6)
}

/// A heat map for each window, one below the other: words down, hidden sizes across.
fn picture(cells: &[Cell], isa: &str) -> String {
    const CELL: [usize; 2] = [64, 28];
    const LEFT: usize = 96;
    let (rows, columns) = (WORDS.len(), HIDDEN.len());
    let block = (rows + 2) * CELL[1] + 16;
    let size = [LEFT + columns * CELL[0] + 16, WINDOWS.len() * block + 40];
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"16\" y=\"24\">share of the FMA peak in percent, {isa}: rows are words V, columns D = H</text>\n",
        size[0], size[1]
    );
    for (at, [n, t]) in WINDOWS.into_iter().enumerate() {
        let top = 40 + at * block;
        let _ = writeln!(svg, "<text x=\"16\" y=\"{}\" font-weight=\"bold\">N {n}, T {t}</text>", top + 16);
        for (column, h) in HIDDEN.into_iter().enumerate() {
            let x = LEFT + column * CELL[0] + CELL[0] / 2;
            let _ = writeln!(svg, "<text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{h}</text>", top + 16);
        }
        for (line, v) in WORDS.into_iter().enumerate() {
            let y = top + (line + 1) * CELL[1];
            let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{v}</text>", LEFT - 8, y + 18);
            for (column, h) in HIDDEN.into_iter().enumerate() {
                let found = cells.iter().find(|Cell { config, .. }| {
                    [config.batch_size, config.time_size, config.vocab_size, config.hidden_size] == [n, t, v, h]
                });
                let Some(Cell { share, .. }) = found else { continue };
                let x = LEFT + column * CELL[0];
                // from nearly white to dark blue; the words on dark cells are white
                let between = |none: f64, all: f64| none + (all - none) * share.clamp(0.0, 1.0);
                let (red, green, blue) = (between(244.0, 27.0), between(248.0, 82.0), between(253.0, 152.0));
                let ink = if share > 0.56 { "#fff" } else { "#000" };
                let _ = writeln!(
                    svg,
                    "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" fill=\"rgb({red:.0},{green:.0},{blue:.0})\"/>\
                     <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"{ink}\">{:.0}</text>",
                    CELL[0] - 2,
                    CELL[1] - 2,
                    x + CELL[0] / 2,
                    y + 18,
                    100.0 * share
                );
            }
        }
    }
    svg + "</svg>\n"
}
