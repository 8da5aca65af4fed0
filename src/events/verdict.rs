//! What a detector says.

use crate::{events::balance::Imbalance, model::score::TokenScore, prediction::sampling::Candidate};

/// How many of the likeliest events a verdict names.
pub(crate) const EXPECTED: usize = 3;

/// What a [`Detector`](crate::Detector) says of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct EventVerdict {
    /// The id that was read, its surprise in nats (`loss`), its rank and probability.
    pub score: TokenScore,
    /// How far the surprise lies, in nats, above what the event's own past explains; infinite for an event that was
    /// never measured.
    pub excess: f32,
    /// Whether the excess is above the threshold, or the event is new.
    pub is_odd: bool,
    /// Whether the event was never measured.
    pub is_new: bool,
}

/// What a [`Detector`](crate::Detector) says of a session, its end included.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SessionVerdict {
    /// Whether one of its events was odd, or their numbers are out of balance.
    pub is_odd: bool,
    /// Its events, the end among them.
    pub events: u32,
    /// How many of them were odd.
    pub odd: u32,
    /// The oddest: the first one of the largest excess.
    pub worst: EventVerdict,
    /// Where it stands, from 0; the end stands behind the last event.
    pub at: u32,
    /// What had been expected there, the likeliest first; probability 0 where there are fewer.
    pub expected: [Candidate; EXPECTED],
    /// Which event came too often beside which, where the detector has a [`Balance`](crate::Balance).
    pub imbalance: Option<Imbalance>,
}

impl SessionVerdict {
    /// How odd the session is, to set a threshold by: the excess of its oddest event, infinite where it is out of
    /// balance.
    #[must_use]
    pub fn excess(&self) -> f32 {
        if self.imbalance.is_some() { f32::INFINITY } else { self.worst.excess }
    }

    pub(crate) const NONE: Self = Self {
        is_odd: false,
        events: 0,
        odd: 0,
        worst: EventVerdict {
            score: TokenScore { id: 0, loss: 0.0, rank: 0 },
            excess: f32::NEG_INFINITY,
            is_odd: false,
            is_new: false,
        },
        at: 0,
        expected: [Candidate { id: 0, probability: 0.0 }; EXPECTED],
        imbalance: None,
    };
}
