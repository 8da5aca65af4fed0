//! What the run prints while it trains: plain lines, and on a terminal a bar below them.

use std::{
    env,
    io::{self, IsTerminal, Write},
    num::NonZeroUsize,
    time::{Duration, Instant},
};
#[cfg(unix)]
use std::{
    os::fd::AsFd,
    process::{Command, Stdio},
};

/// Where training stands.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The epoch under way, from 1, and the steps of it that are done.
    pub epoch: usize,
    pub iteration: usize,
    /// Steps of an epoch.
    pub iterations: usize,
    pub learning_rate: f32,
}

/// What there is to do.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// The number of the last epoch.
    pub epochs: usize,
    /// Steps of this run.
    pub steps: usize,
}

/// Writes to standard output. Training time is counted without what is done in between.
pub struct Report {
    quiet: bool,
    /// Where standard output is one.
    terminal: Option<Columns>,
    log_every: Option<NonZeroUsize>,
    plan: Plan,
    steps: usize,
    training: Duration,
    resumed: Instant,
    drawn: Option<Instant>,
    /// When the last line was printed.
    said: Instant,
    /// What was summed up in lines within this epoch: steps, and the sum of their losses.
    told: (usize, f64),
}

impl Report {
    pub fn new(quiet: bool, log_every: Option<NonZeroUsize>, plan: Plan) -> Self {
        let terminal = (!quiet && io::stdout().is_terminal()).then(Columns::new);
        let now = Instant::now();
        Self {
            quiet,
            terminal,
            log_every,
            plan,
            steps: 0,
            training: Duration::ZERO,
            resumed: now,
            drawn: None,
            said: now,
            told: (0, 0.0),
        }
    }

    /// One more step is done; `perplexity` is that of its epoch so far.
    pub fn step(&mut self, at: Moment, perplexity: impl Fn() -> f32) -> io::Result<()> {
        const REDRAW: Duration = Duration::from_millis(100);
        self.steps += 1;
        if self.quiet {
            return Ok(());
        }
        if at.iteration == 1 {
            self.told = (0, 0.0);
        }
        // the line of the epoch follows where it is complete
        if at.iteration < at.iterations && self.is_line_due(at.iteration) {
            let line = self.log_line(at, perplexity());
            self.line(&line)?;
        }
        if self.terminal.is_none() || self.drawn.is_some_and(|at| at.elapsed() < REDRAW) {
            return Ok(());
        }
        self.drawn = Some(Instant::now());
        let seconds = self.seconds();
        let columns = self.terminal.as_mut().map_or(Columns::USUAL, Columns::now);
        let bar = bar(at, (self.steps, self.plan), seconds, perplexity(), columns);
        let mut out = io::stdout().lock();
        write!(out, "\r\x1b[K{bar}")?;
        out.flush()
    }

    /// Whether the user wants a line after this step. Where no bar shows that the run goes on, a line does.
    fn is_line_due(&self, iteration: usize) -> bool {
        const SILENCE: Duration = Duration::from_secs(30);
        match self.log_every {
            Some(every) => iteration.is_multiple_of(every.get()),
            None => self.terminal.is_none() && self.said.elapsed() >= SILENCE,
        }
    }

    /// The perplexity is that of the steps since the line before, within the epoch.
    fn log_line(&mut self, at: Moment, perplexity: f32) -> String {
        let Moment { epoch, iteration, iterations, learning_rate } = at;
        let sum = iteration as f64 * f64::from(perplexity).ln();
        let (steps, told) = self.told;
        let recent = ((sum - told) / (iteration - steps).max(1) as f64).exp();
        self.told = (iteration, sum);
        let (rate, speed) = (short(learning_rate), self.steps as f64 / self.seconds());
        format!(
            "| epoch {epoch} | step {iteration} of {iterations} | perplexity {recent:.2} | lr {rate} \
             | {speed:.0} steps/s"
        )
    }

    /// Training time so far, never 0.
    fn seconds(&self) -> f64 {
        (self.training + self.resumed.elapsed()).as_secs_f64().max(1e-9)
    }

    /// Something other than training begins.
    pub fn pause(&mut self) {
        self.training += self.resumed.elapsed();
    }

    /// Training goes on.
    pub fn resume(&mut self) {
        self.resumed = Instant::now();
    }

    /// A line, unless the user wants quiet.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        if self.quiet { Ok(()) } else { self.last_line(text) }
    }

    /// A line in any case.
    pub fn last_line(&mut self, text: &str) -> io::Result<()> {
        let erase = if self.terminal.is_some() { "\r\x1b[K" } else { "" };
        self.said = Instant::now();
        let mut out = io::stdout().lock();
        writeln!(out, "{erase}{text}")?;
        out.flush()
    }

    /// What went wrong and doesn't stop the run, on standard error.
    pub fn warn(&self, text: &str) {
        if self.terminal.is_some() {
            let _ = write!(io::stdout().lock(), "\r\x1b[K");
        }
        // where nobody listens, the run goes on
        let _ = writeln!(io::stderr(), "ptb: warning: {text}");
    }

    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Steps per second of training time so far.
    pub fn steps_per_second(&self) -> f64 {
        let seconds = self.training.as_secs_f64();
        if self.steps == 0 || seconds == 0.0 { 0.0 } else { self.steps as f64 / seconds }
    }
}

impl Drop for Report {
    /// What comes next starts on a line of its own.
    fn drop(&mut self) {
        if self.terminal.is_some() && self.drawn.is_some() {
            let _ = write!(io::stdout().lock(), "\r\x1b[K");
        }
    }
}

/// The width of the terminal: as `COLUMNS` says, else as `stty size` does, now and then anew, else 80.
struct Columns {
    is_told: bool,
    width: usize,
    asked: Instant,
}

impl Columns {
    const USUAL: usize = 80;

    fn new() -> Self {
        let told = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|&columns| columns > 0);
        let width = told.or_else(Self::ask).unwrap_or(Self::USUAL);
        Self { is_told: told.is_some(), width, asked: Instant::now() }
    }

    fn now(&mut self) -> usize {
        const AGAIN: Duration = Duration::from_secs(1);
        if !self.is_told && self.asked.elapsed() >= AGAIN {
            self.width = Self::ask().unwrap_or(self.width);
            self.asked = Instant::now();
        }
        self.width
    }

    #[cfg(unix)]
    fn ask() -> Option<usize> {
        let terminal = io::stdout().as_fd().try_clone_to_owned().ok()?;
        let output = Command::new("stty").arg("size").stdin(terminal).stderr(Stdio::null()).output().ok()?;
        let columns = str::from_utf8(&output.stdout).ok()?.split_whitespace().nth(1)?;
        columns.parse().ok().filter(|&columns| columns > 0)
    }

    #[cfg(not(unix))]
    fn ask() -> Option<usize> {
        None
    }
}

/// What fits into so many columns but the last, in which some terminals break the line. `run`: steps of the run that
/// are done, and what there is to do.
fn bar(at: Moment, run: (usize, Plan), seconds: f64, perplexity: f32, columns: usize) -> String {
    let (steps, Plan { epochs, steps: total }) = run;
    let percent = |done: usize, all: usize| 100.0 * done as f64 / all.max(1) as f64;
    let rate = steps as f64 / seconds;
    let left = duration(total.saturating_sub(steps) as f64 / rate);
    let (of_epoch, of_run) = (percent(at.iteration, at.iterations), percent(steps, total));
    // in the order in which they stand, each with what it takes to be left out: more of that, later in line
    let parts = [
        (0, format!("epoch {}/{epochs}", at.epoch)),
        (4, format!("({of_epoch:.0}%)")),
        (1, format!("run {of_run:.0}%, {left} left")),
        (2, format!("ppl {}", short(perplexity))),
        (3, format!("lr {}", short(at.learning_rate))),
        (5, format!("{rate:.0} steps/s")),
    ];
    let room = columns.saturating_sub(1);
    let between = if columns < 60 { " " } else { "  " };
    let mut is_in = [false; 6];
    let mut used = 0;
    for priority in 0..=5 {
        for (is_in, (_, part)) in is_in.iter_mut().zip(&parts).filter(|(_, part)| part.0 == priority) {
            let longer = used + part.len() + if used > 0 { between.len() } else { 0 };
            *is_in = longer <= room;
            used = if *is_in { longer } else { used };
        }
    }
    let mut shown: Vec<String> =
        parts.into_iter().zip(is_in).filter(|(_, is_in)| *is_in).map(|((_, part), _)| part).collect();
    const MOST: usize = 30;
    let free = room.saturating_sub(used + between.len() + 2).min(MOST);
    if free >= 8 && shown.len() == is_in.len() {
        let filled = ((of_run / 100.0 * free as f64) as usize).min(free);
        shown.insert(2, format!("[{}{}]", "#".repeat(filled), "-".repeat(free - filled)));
    }
    let line = shown.join(between).replace("  (", " (");
    line.chars().take(room).collect()
}

/// Seconds in a unit that reads well.
fn duration(seconds: f64) -> String {
    match seconds {
        ..100.0 => format!("{seconds:.0} s"),
        ..6000.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", seconds / 3600.0),
    }
}

/// About four digits of a number.
pub fn short(value: f32) -> String {
    let rounded: f32 = format!("{value:.3e}").parse().unwrap_or(value);
    if (1e-4..1e7).contains(&rounded) || rounded == 0.0 { rounded.to_string() } else { format!("{rounded:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Moment = Moment { epoch: 2, iteration: 20, iterations: 80, learning_rate: 0.1 };

    #[test]
    fn the_bar_tells_what_fits() {
        let bar = |columns| bar(AT, (100, Plan { epochs: 3, steps: 240 }), 0.5, 83.2149, columns);
        let wide =
            "epoch 2/3 (25%)  [############------------------]  run 42%, 1 s left  ppl 83.21  lr 0.1  200 steps/s";
        assert_eq!(bar(200), wide);
        assert_eq!(bar(80), "epoch 2/3 (25%)  [###-----]  run 42%, 1 s left  ppl 83.21  lr 0.1  200 steps/s");
        assert_eq!(bar(75), "epoch 2/3 (25%)  run 42%, 1 s left  ppl 83.21  lr 0.1  200 steps/s");
        assert_eq!(bar(60), "epoch 2/3 (25%)  run 42%, 1 s left  ppl 83.21  lr 0.1");
        assert_eq!(bar(40), "epoch 2/3 run 42%, 1 s left ppl 83.21");
        assert_eq!(bar(20), "epoch 2/3 ppl 83.21");
        assert_eq!(bar(5), "");
        for columns in 0..300 {
            assert!(bar(columns).len() <= columns.saturating_sub(1), "{columns}");
        }
    }

    #[test]
    fn a_long_run_fits_too() {
        for (epoch, perplexity, learning_rate) in
            [(12, 8.5, 0.2), (999, f32::MAX, 1.23456e-20), (1, f32::INFINITY, 5.0)]
        {
            let at = Moment { epoch, iteration: 18_600, iterations: 18_600, learning_rate };
            let plan = Plan { epochs: 1000, steps: 18_600_000 };
            for columns in 0..300 {
                let bar = bar(at, (1, plan), 0.5, perplexity, columns);
                assert!(bar.chars().count() <= columns.saturating_sub(1) && bar.is_ascii(), "{bar}");
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        let all = [0.1, 1.0 / 3.0, 20.0, 0.000_012_345_6, 393.523_45, 1.0e9, 0.0, f32::INFINITY, 123_456.0];
        let shown = all.map(short).join(" ");
        assert_eq!(shown, "0.1 0.3333 20 1.235e-5 393.5 1e9 0 inf 123500");
        assert_eq!([0.4, 99.0, 150.0, 8000.0].map(duration).join(", "), "0 s, 99 s, 2 min, 2.2 h");
    }

    fn at(iteration: usize) -> Moment {
        Moment { epoch: 1, iteration, iterations: 100, learning_rate: 0.25 }
    }

    #[test]
    fn a_line_tells_the_perplexity_since_the_one_before() {
        let mut report = Report::new(false, NonZeroUsize::new(10), Plan { epochs: 1, steps: 100 });
        assert!(report.is_line_due(10) && report.is_line_due(20) && !report.is_line_due(15));
        let begin = |line: String| line.rsplit_once(" | ").unwrap().0.to_owned();
        assert_eq!(begin(report.log_line(at(10), 8.0)), "| epoch 1 | step 10 of 100 | perplexity 8.00 | lr 0.25");
        // the mean of the losses of 20 steps is ln 4, so that of the later ten is ln 2
        assert_eq!(begin(report.log_line(at(20), 4.0)), "| epoch 1 | step 20 of 100 | perplexity 2.00 | lr 0.25");
        assert!(report.log_line(at(30), f32::INFINITY).contains("perplexity inf"));
    }

    #[test]
    fn where_no_bar_is_a_line_breaks_a_long_silence() {
        let mut report = Report::new(false, None, Plan { epochs: 1, steps: 100 });
        report.terminal = None;
        assert!(!report.is_line_due(10));
        report.said = Instant::now() - Duration::from_secs(31);
        assert!(report.is_line_due(10));
        report.step(at(10), || 5.0).unwrap();
        assert!(!report.is_line_due(11));
    }

    #[test]
    fn the_rate_counts_training_alone() {
        let mut report = Report::new(true, None, Plan { epochs: 1, steps: 10 });
        assert_eq!(report.steps_per_second(), 0.0);
        report.step(at(1), || 5.0).unwrap();
        report.pause();
        let rate = report.steps_per_second();
        std::thread::sleep(Duration::from_millis(20));
        assert!(rate > 0.0 && report.steps_per_second() == rate);
    }
}
