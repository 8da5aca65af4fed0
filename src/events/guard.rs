//! Against learning what is wrong: watches the rate of alarms.

/// Stops learning while alarms pile up, and goes on where they turn out to be the new normal.
///
/// A running mean over about `window` sessions (events, in a stream without sessions) is compared with `limit`.
///
/// ```text
///          mean > limit              for `patience` sessions on end
/// Learning ------------> Holding -----------------------------------> Adapting
///     ^                     | mean < limit / 2                            |
///     +---------------------+---------------------------------------------+
/// ```
///
/// Of a burst of anomalies shorter than `patience` no more is learned than what it takes to exceed the limit.
///
/// ```
/// use rnnlm::{Guard, GuardState};
/// let mut guard = Guard::new(0.2, 10, 30);
/// for _ in 0..5 {
///     guard.count(true);
/// }
/// assert_eq!(guard.state(), GuardState::Holding);
/// for _ in 0..30 {
///     guard.count(false); // it was a burst
/// }
/// assert_eq!(guard.state(), GuardState::Learning);
/// for _ in 0..40 {
///     guard.count(true);
/// }
/// assert_eq!(guard.state(), GuardState::Adapting);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Guard {
    limit: f32,
    window: f32,
    patience: u32,
    mean: f32,
    held: u32,
    state: GuardState,
}

/// What a [`Guard`] lets be learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GuardState {
    /// Everything: also odd events that come one by one. A model that passed over them would unlearn what is rare.
    Learning,
    /// Nothing.
    Holding,
    /// Everything: the stream has changed for good.
    Adapting,
}

impl Guard {
    /// A guard that holds above a rate of alarms of `limit`, between 0 and 1, and adapts after `patience` sessions
    /// above it: with `u32::MAX` only when told so, by [`Self::adapt`]. A window of 0 is one of 1.
    #[must_use]
    pub const fn new(limit: f32, window: u32, patience: u32) -> Self {
        let window = if window == 0 { 1 } else { window };
        Self { limit, window: window as f32, patience, mean: 0.0, held: 0, state: GuardState::Learning }
    }

    /// Counts a session or event.
    pub fn count(&mut self, is_odd: bool) {
        self.mean += (f32::from(u8::from(is_odd)) - self.mean) / self.window;
        if self.mean < self.limit / 2.0 {
            self.state = GuardState::Learning;
        } else if self.state == GuardState::Learning && self.mean > self.limit {
            (self.state, self.held) = (GuardState::Holding, 0);
        } else if self.state == GuardState::Holding {
            self.held = self.held.saturating_add(1);
            if self.patience < u32::MAX && self.held >= self.patience {
                self.state = GuardState::Adapting;
            }
        }
    }

    /// The user says that this is the new normal.
    pub fn adapt(&mut self) {
        self.state = GuardState::Adapting;
    }

    /// The user says that it isn't: alarms are forgotten.
    pub fn reset(&mut self) {
        (self.mean, self.held, self.state) = (0.0, 0, GuardState::Learning);
    }

    /// What may be learned.
    #[must_use]
    pub fn state(&self) -> GuardState {
        self.state
    }

    /// The running mean of alarms.
    #[must_use]
    pub fn rate(&self) -> f32 {
        self.mean
    }

    /// Whether an event may be learned.
    pub(crate) fn lets_learn(&self) -> bool {
        self.state != GuardState::Holding
    }
}
