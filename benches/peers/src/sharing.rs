//! Whether this core did other work while figures were taken.

use std::fs;

/// The scheduler's account of this thread: time on the core, and time ready to run while others had it.
pub struct Sharing([f64; 2]);

impl Sharing {
    /// None where the system keeps no such account (it is Linux that does).
    pub fn begin() -> Option<Self> {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let mut numbers = text.split_whitespace().map_while(|number| number.parse().ok());
        Some(Self([numbers.next()?, numbers.next()?]))
    }

    /// Which part of the time since `begin` others took.
    pub fn others(&self) -> Option<f64> {
        let Self([ran, waited]) = Self::begin()?;
        let (ran, waited) = (ran - self.0[0], waited - self.0[1]);
        Some(waited / (ran + waited))
    }
}
