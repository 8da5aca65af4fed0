//! What the run prints while it trains: plain lines, and on a terminal a bar below them.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// Writes to standard output. Training time is counted without what is done in between.
pub struct Report {
    quiet: bool,
    terminal: bool,
    steps: usize,
    total_steps: usize,
    training: Duration,
    resumed: Instant,
    drawn: Option<Instant>,
}

impl Report {
    pub fn new(quiet: bool, total_steps: usize) -> Self {
        let terminal = !quiet && io::stdout().is_terminal();
        let resumed = Instant::now();
        Self { quiet, terminal, steps: 0, total_steps, training: Duration::ZERO, resumed, drawn: None }
    }

    /// One more step is done.
    pub fn step(&mut self, epoch: usize) -> io::Result<()> {
        const REDRAW: Duration = Duration::from_millis(100);
        self.steps += 1;
        if !self.terminal || self.drawn.is_some_and(|at| at.elapsed() < REDRAW) {
            return Ok(());
        }
        self.drawn = Some(Instant::now());
        let seconds = (self.training + self.resumed.elapsed()).as_secs_f64();
        let bar = bar(epoch, self.steps, self.total_steps, seconds);
        let mut out = io::stdout().lock();
        write!(out, "\r\x1b[K{bar}")?;
        out.flush()
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
    pub fn line(&self, text: &str) -> io::Result<()> {
        if self.quiet { Ok(()) } else { self.last_line(text) }
    }

    /// A line in any case.
    pub fn last_line(&self, text: &str) -> io::Result<()> {
        let erase = if self.terminal { "\r\x1b[K" } else { "" };
        let mut out = io::stdout().lock();
        writeln!(out, "{erase}{text}")?;
        out.flush()
    }

    /// What went wrong and doesn't stop the run, on standard error.
    pub fn warn(&self, text: &str) {
        if self.terminal {
            let _ = write!(io::stdout().lock(), "\r\x1b[K");
        }
        // where nobody listens, the run goes on
        let _ = writeln!(io::stderr(), "ptb: warning: {text}");
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
        if self.terminal && self.drawn.is_some() {
            let _ = write!(io::stdout().lock(), "\r\x1b[K");
        }
    }
}

fn bar(epoch: usize, steps: usize, total: usize, seconds: f64) -> String {
    const WIDTH: usize = 30;
    let done = steps as f64 / total.max(1) as f64;
    let filled = ((done * WIDTH as f64) as usize).min(WIDTH);
    let rate = steps as f64 / seconds.max(1e-9);
    let left = total.saturating_sub(steps) as f64 / rate;
    let (full, empty) = ("#".repeat(filled), "-".repeat(WIDTH - filled));
    format!("epoch {epoch} [{full}{empty}] {:3.0}%  {rate:.0} steps/s  {left:.0} s left", 100.0 * done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_tells_rate_and_time_left() {
        assert_eq!(bar(2, 50, 200, 0.5), "epoch 2 [#######-----------------------]  25%  100 steps/s  2 s left");
        assert!(bar(1, 0, 0, 0.0).contains("0%"));
    }

    #[test]
    fn the_rate_counts_training_alone() {
        let mut report = Report::new(true, 10);
        assert_eq!(report.steps_per_second(), 0.0);
        report.step(1).unwrap();
        report.pause();
        let rate = report.steps_per_second();
        std::thread::sleep(Duration::from_millis(20));
        assert!(rate > 0.0 && report.steps_per_second() == rate);
    }
}
