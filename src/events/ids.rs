//! Events that no id was made for, and the mark between sessions.

use crate::error::StepError;

/// Two ids with a meaning of their own: the mark that starts and ends a session, and the one that stands for any other
/// event. In the words of a [`Vocabulary`](crate::Vocabulary) these are `<eos>` and `<unk>`.
///
/// ```
/// use rnnlm::{Beyond, EventIds, StepError};
/// let ids = EventIds::last_two(10); // events 0 to 7, end 8, other 9
/// assert_eq!((ids.id(3), ids.id(1000)), (Ok(3), Ok(9)));
/// let strict = EventIds { beyond: Beyond::Refuse, ..ids };
/// assert_eq!(strict.id(1000), Err(StepError::IdOutOfRange { id: 1000 }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventIds {
    /// Read before a session's first event and foreseen behind its last.
    pub end: u32,
    /// Any event without an id of its own.
    pub other: u32,
    /// V: events are below.
    pub vocab_size: u32,
    /// What an event not below V is.
    pub beyond: Beyond,
}

/// What an event not below V is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Beyond {
    /// The event `other`: it is scored, and the stream goes on.
    #[default]
    Other,
    /// An error.
    Refuse,
}

impl EventIds {
    /// V - 2 is the mark, V - 1 any other event; all ids beyond are that too.
    #[must_use]
    pub const fn last_two(vocab_size: u32) -> Self {
        let other = vocab_size.saturating_sub(1);
        Self { end: vocab_size.saturating_sub(2), other, vocab_size, beyond: Beyond::Other }
    }

    /// The id that the model reads for an event.
    ///
    /// # Errors
    /// [`StepError::IdOutOfRange`] for an event not below V where these are refused.
    pub const fn id(&self, event: u32) -> Result<u32, StepError> {
        match self.beyond {
            _ if event < self.vocab_size => Ok(event),
            Beyond::Other => Ok(self.other),
            Beyond::Refuse => Err(StepError::IdOutOfRange { id: event }),
        }
    }

    /// Makes `other` of every event that occurs fewer than `least` times or has no id, and tells how many that were. A
    /// model that is trained on the result knows how likely `other` is, and what to expect behind it. `counts` is
    /// memory for V numbers; with less, events without a number are mapped. A text's words are merged by
    /// [`Corpus`](crate::Corpus).
    ///
    /// ```
    /// let ids = rnnlm::EventIds::last_two(6);
    /// let mut events = [0, 1, 0, 77, 2, 0, 1];
    /// assert_eq!(ids.map_rare(&mut events, 2, &mut [0; 6]), 2);
    /// assert_eq!(events, [0, 1, 0, 5, 5, 0, 1]);
    /// ```
    pub fn map_rare(&self, events: &mut [u32], least: u32, counts: &mut [u32]) -> usize {
        counts.fill(0);
        for &event in &*events {
            if let Some(count) = counts.get_mut(event as usize) {
                *count = count.saturating_add(1);
            }
        }
        let kept = |event: u32| {
            let known = event < self.vocab_size && counts.get(event as usize).is_some_and(|&count| count >= least);
            known || event == self.end || event == self.other
        };
        let mut mapped = 0;
        for event in events {
            if !kept(*event) {
                *event = self.other;
                mapped += 1;
            }
        }
        mapped
    }
}
