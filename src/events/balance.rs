//! Which events outnumber which others in a session.

#[cfg(feature = "alloc")]
use crate::heap::filled;
use crate::{error::ConfigError, heap::Ids};

/// An order is known once its event came in so many sessions. What never failed in 64 fails in fewer than one of 21,
/// at odds of 19 to 1.
const EVIDENCE: u32 = 64;

/// Learns from normal sessions which events never outnumber which others, and finds sessions where they do.
///
/// Much in a log is in balance: no more files are closed than opened, no block is deleted twice. A recurrent model of
/// few numbers doesn't count that far; this does, in a bit for each pair of events, and knows nothing of their order in
/// time. The mark that ends a session counts as an event that comes once: so "always comes" and "comes once at most"
/// are learned too. Such invariants were first looked for in logs by Lou et al. (*Mining Invariants from Console Logs
/// for System Problem Detection*, 2010), as linear equations.
///
/// A [`Detector`](crate::Detector) with it calls a session odd where one event outnumbers another one that it never
/// outnumbered in a normal session, if it came in at least 64 of those. What outnumbered once is never held for odd
/// again. Work: an addition an event; at the end of a session V comparisons for each event that it holds.
///
/// ```
/// use rnnlm::{Balance, Detector, Doing, EventIds, Predictor};
/// # use rnnlm::{Config, SimpleRnnlm, Xorshift};
/// # let config =
/// #     Config { vocab_size: 5, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 4 };
/// # let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let predictor = Predictor::new(model.weights())?; // of any model of events
/// let balance = Balance::with_buffer(5, [0; Balance::words(5)])?;
/// let mut detector = Detector::new(predictor, EventIds::last_two(5))?.with_balance(balance)?;
///
/// const OPEN: u32 = 0;
/// const CLOSE: u32 = 1;
/// const WRITE: u32 = 2;
/// detector.set_doing(Doing::Measure);
/// for writes in 0..100 {
///     let mut session = vec![OPEN];
///     session.extend((0..writes % 10).map(|_| WRITE));
///     session.push(CLOSE);
///     detector.session(&session)?;
/// }
/// detector.set_doing(Doing::Watch);
/// assert_eq!(detector.session(&[OPEN, WRITE, CLOSE])?.imbalance, None);
/// let found = detector.session(&[OPEN, OPEN, WRITE, WRITE, CLOSE])?.imbalance.unwrap();
/// assert_eq!((found.more, found.fewer, found.counts, found.sessions), (OPEN, CLOSE, [2, 1], 100));
/// # Ok::<(), rnnlm::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Balance<B = Ids> {
    vocab_size: usize,
    /// For each event the number of normal sessions that hold it; a row of V bits, whom it outnumbered in one of them;
    /// last, how often each came in the session so far.
    words: B,
}

/// One event came more often than another one, which no normal session had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Imbalance {
    /// The event that came more often.
    pub more: u32,
    /// The other.
    pub fewer: u32,
    /// How often they came; the mark at a session's end comes once.
    pub counts: [u32; 2],
    /// In how many normal sessions the former came without outnumbering the latter.
    pub sessions: u32,
}

#[cfg(feature = "alloc")]
impl Balance {
    /// One that knows nothing, for V events, on the heap.
    ///
    /// # Errors
    /// [`ConfigError::OutOfMemory`].
    pub fn new(vocab_size: usize) -> Result<Self, ConfigError> {
        Ok(Self { vocab_size, words: filled(Balance::words(vocab_size), 0)? })
    }
}

impl Balance<[u32; 0]> {
    /// None: what a detector has at first.
    pub(crate) const NONE: Self = Self { vocab_size: 0, words: [] };

    /// The length of the memory for V events: V (V / 32 + 2), where the division rounds up.
    #[must_use]
    pub const fn words(vocab_size: usize) -> usize {
        vocab_size.saturating_mul(vocab_size.div_ceil(32) + 2)
    }
}

impl<B: AsRef<[u32]> + AsMut<[u32]>> Balance<B> {
    /// For V events, over [`Balance::words`] of the caller's: zeros, or [`Self::learned`] of another one and V more.
    ///
    /// # Errors
    /// [`ConfigError::BufferLength`] for memory of another length.
    pub fn with_buffer(vocab_size: usize, words: B) -> Result<Self, ConfigError> {
        ConfigError::check_len(Balance::words(vocab_size), words.as_ref().len())?;
        Ok(Self { vocab_size, words })
    }

    /// All that it knows: for each event the number of normal sessions that hold it, then for each a row of V bits in
    /// whole words, the lowest first: those that it outnumbered in one of them.
    #[must_use]
    pub fn learned(&self) -> &[u32] {
        let words = self.words.as_ref();
        words.get(..words.len().saturating_sub(self.vocab_size)).unwrap_or(&[])
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.words.as_mut().fill(0);
    }

    pub(crate) fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// A session begins.
    pub(crate) fn begin(&mut self) {
        let (words, v) = (self.words.as_mut(), self.vocab_size);
        let first = words.len().saturating_sub(v);
        if let Some(now) = words.get_mut(first..) {
            now.fill(0);
        }
    }

    /// An event of the session.
    pub(crate) fn count(&mut self, id: u32) {
        let (words, v) = (self.words.as_mut(), self.vocab_size);
        let at = words.len().saturating_sub(v).saturating_add(id as usize);
        if let Some(count) = words.get_mut(at) {
            *count = count.saturating_add(1);
        }
    }

    /// The order that the session breaks, if any: of several the one that most sessions kept, then the one that is
    /// broken most, then the first.
    pub(crate) fn imbalance(&self) -> Option<Imbalance> {
        let v = self.vocab_size;
        let (sessions, rest) = self.words.as_ref().split_at_checked(v)?;
        let (rows, now) = rest.split_at_checked(rest.len().checked_sub(v)?)?;
        let mut worst: Option<Imbalance> = None;
        for (more, ((&sessions, &count), row)) in sessions.iter().zip(now).zip(rows.chunks(row_len(v))).enumerate() {
            if count == 0 || sessions < EVIDENCE {
                continue;
            }
            for (at, (&allowed, others)) in row.iter().zip(now.chunks(32)).enumerate() {
                let mut broken = outnumbered(others, count) & !allowed;
                while broken != 0 {
                    let bit = broken.trailing_zeros();
                    broken &= broken - 1;
                    let other = others.get(bit as usize).copied().unwrap_or(0);
                    let fewer = 32 * at as u32 + bit;
                    let found = Imbalance { more: more as u32, fewer, counts: [count, other], sessions };
                    if worst.is_none_or(|worst| found.weight() > worst.weight()) {
                        worst = Some(found);
                    }
                }
            }
        }
        worst
    }

    /// The session is a normal one.
    pub(crate) fn add(&mut self) {
        let v = self.vocab_size;
        let Some((sessions, rest)) = self.words.as_mut().split_at_mut_checked(v) else { return };
        let Some((rows, now)) = rest.split_at_mut_checked(rest.len().saturating_sub(v)) else { return };
        for ((sessions, &count), row) in sessions.iter_mut().zip(&*now).zip(rows.chunks_mut(row_len(v))) {
            if count == 0 {
                continue;
            }
            *sessions = sessions.saturating_add(1);
            for (allowed, others) in row.iter_mut().zip(now.chunks(32)) {
                *allowed |= outnumbered(others, count);
            }
        }
    }
}

impl Imbalance {
    fn weight(&self) -> (u32, u32) {
        let [more, fewer] = self.counts;
        (self.sessions, more.saturating_sub(fewer))
    }
}

/// Words of a row of V bits.
fn row_len(v: usize) -> usize {
    v.div_ceil(32).max(1)
}

/// A bit for each of 32 counts or fewer, the lowest first: whether it is smaller.
fn outnumbered(counts: &[u32], by: u32) -> u32 {
    counts.iter().rev().fold(0, |bits, &count| bits << 1 | u32::from(count < by))
}
