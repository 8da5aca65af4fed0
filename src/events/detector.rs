//! The detector of odd events.

#[cfg(feature = "alloc")]
use crate::{error::Error, heap::AlignedVec};
use crate::{
    error::{ConfigError, StepError},
    events::{
        balance::Balance,
        foresight::Foresight,
        guard::{Guard, GuardState},
        ids::EventIds,
        levels::Levels,
        verdict::{EventVerdict, SessionVerdict},
    },
    heap::Floats,
    kernels::{clear, copy},
    model::{parameters::Storage, score::TokenScore},
    prediction::sampling::top,
};

/// Finds odd events in sessions or in an endless stream, by how a model foresees them.
///
/// An event's surprise is compared with what that event's own past explains: `excess = surprise - mean - ln count`,
/// where mean and count are those of normal data. A session is as odd as its oddest event, its end included. Work per
/// event: one prediction, and the learner's share of a step where it learns; 2 V floats beside the model. The model has
/// either cell, or is any other [`Foresight`]; to go on behind a reboot see [`Self::measures`].
///
/// From normal data to verdicts in three passes, the first by whatever trains the model:
///
/// ```
/// use rnnlm::{
///     Config, Detector, Doing, EventIds, FalseAlarms, OnlineLearner, SimpleRnnlm, Xorshift,
/// };
/// let config =
///     Config { vocab_size: 6, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 4 };
/// let model = SimpleRnnlm::new(config, &mut Xorshift::new(1))?;
/// let learner = OnlineLearner::new(model, 0.5)?;
/// let mut detector = Detector::new(learner, EventIds::last_two(6))?;
///
/// let normal = [[0, 1, 2], [0, 2, 1]]; // sessions
/// for i in 0..400 {
///     detector.teach(&normal[i % 2])?;
/// }
/// detector.clear_measures(); // those of a model that was still learning
/// detector.set_doing(Doing::Measure); // how surprising each event usually is
/// for i in 0..200 {
///     detector.session(&normal[i % 2])?;
/// }
/// detector.set_doing(Doing::Watch);
/// let mut alarms = FalseAlarms::new([0; 192]);
/// for i in 0..200 {
///     alarms.add(detector.session(&normal[i % 2])?.worst.excess);
/// }
/// detector.set_threshold(alarms.threshold(0.01).excess); // one false alarm in a hundred sessions
///
/// assert!(!detector.session(&[0, 1, 2])?.is_odd);
/// assert!(detector.session(&[0, 1, 1])?.is_odd);
/// assert_eq!(detector.session(&[0, 7, 1])?.at, 1); // an event that nobody knows
/// let cut_off = detector.session(&[0, 1])?;
/// assert_eq!((cut_off.at, cut_off.expected[0].id), (2, 2)); // it should not end: 2 was expected
/// # Ok::<(), rnnlm::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Detector<M, L = Floats, B = [u32; 0]> {
    model: M,
    ids: EventIds,
    levels: Levels<L>,
    balance: Balance<B>,
    threshold: f32,
    doing: Doing,
    guard: Guard,
    /// The session so far; none is open where nothing was read.
    session: SessionVerdict,
    is_open: bool,
}

/// What a [`Detector`] does with events beside judging them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Doing {
    /// Takes them as normal: measures how surprising each usually is.
    Measure,
    /// Nothing: neither model nor measures change.
    #[default]
    Watch,
    /// Learns from what its guard lets through, and measures it. To learn what a user confirmed and nothing else, watch
    /// and [`Detector::teach`].
    Learn,
}

#[cfg(feature = "alloc")]
impl<M: Foresight> Detector<M> {
    /// A detector with its measures on the heap.
    ///
    /// # Errors
    /// Those of [`Self::with_buffers`], and [`ConfigError::OutOfMemory`].
    pub fn new(model: M, ids: EventIds) -> Result<Self, Error> {
        let levels = AlignedVec::zeroed(2 * model.probabilities().len())?;
        Ok(Self::with_buffers(model, ids, levels)?)
    }
}

impl<M: Foresight, L: Storage> Detector<M, L> {
    /// A detector with its measures in the caller's memory: V counts, then V mean surprises. Zeros where none were
    /// taken; those of [`Self::measures`] where another detector took them. Its threshold is infinite.
    ///
    /// # Errors
    /// [`ConfigError::BufferLength`] for another length than 2 V, [`ConfigError::ShapesDiffer`] for ids that are not
    /// those of V events.
    pub fn with_buffers(model: M, ids: EventIds, measures: L) -> Result<Self, ConfigError> {
        let v = model.probabilities().len();
        ConfigError::check_len(2 * v, measures.as_ref().len())?;
        let is_below = |id: u32| (id as usize) < v;
        if ids.vocab_size as usize != v || !is_below(ids.end) || !is_below(ids.other) || ids.end == ids.other {
            return Err(ConfigError::ShapesDiffer);
        }
        let guard = Guard::new(1.0, 1, u32::MAX);
        let (levels, session) = (Levels(measures), SessionVerdict::NONE);
        let (threshold, doing, balance) = (f32::INFINITY, Doing::Watch, Balance::NONE);
        Ok(Self { model, ids, levels, balance, threshold, doing, guard, session, is_open: false })
    }
}

impl<M: Foresight, L: Storage, B: AsRef<[u32]> + AsMut<[u32]>> Detector<M, L, B> {
    /// The detector with a balance: at the end of a session it looks which events outnumber which.
    ///
    /// A session that was measured, or taught, is in balance from then on. Where it learns, so is one behind which the
    /// guard has found that the stream changed for good; an imbalance that comes now and then isn't learned.
    ///
    /// # Errors
    /// [`ConfigError::ShapesDiffer`] for a balance of another V.
    pub fn with_balance<C: AsRef<[u32]> + AsMut<[u32]>>(
        self,
        balance: Balance<C>,
    ) -> Result<Detector<M, L, C>, ConfigError> {
        if balance.vocab_size() != self.ids.vocab_size as usize {
            return Err(ConfigError::ShapesDiffer);
        }
        let Self { model, ids, levels, threshold, doing, guard, .. } = self;
        let session = SessionVerdict::NONE;
        Ok(Detector { model, ids, levels, balance, threshold, doing, guard, session, is_open: false })
    }

    /// Which events outnumber which.
    #[must_use]
    pub fn balance(&self) -> &Balance<B> {
        &self.balance
    }

    /// The same, to clear it, or to put a clone back that was made before.
    pub fn balance_mut(&mut self) -> &mut Balance<B> {
        &mut self.balance
    }

    /// Events whose excess is above are odd. Without one, new events alone are.
    pub fn set_threshold(&mut self, excess: f32) {
        self.threshold = excess;
    }

    /// The threshold.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// What it does from the next event on.
    pub fn set_doing(&mut self, doing: Doing) {
        self.doing = doing;
    }

    /// Sets what decides on learning. The one that is there at first lets everything be learned.
    pub fn set_guard(&mut self, guard: Guard) {
        self.guard = guard;
    }

    /// What decides on learning.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// The guard, to tell it what the user knows.
    pub fn guard_mut(&mut self) -> &mut Guard {
        &mut self.guard
    }

    /// Starts a session; one that was open is dropped. A stream needs no start.
    ///
    /// # Errors
    /// What the model refuses.
    pub fn begin(&mut self) -> Result<(), StepError> {
        self.model.restart();
        self.balance.begin();
        (self.session, self.is_open) = (SessionVerdict::NONE, false);
        self.model.read(self.ids.end, self.doing == Doing::Learn)?;
        self.is_open = true;
        Ok(())
    }

    /// The probability of each event to be the next: [`top`] lists the likeliest.
    #[must_use]
    pub fn probabilities(&self) -> &[f32] {
        self.model.probabilities()
    }

    /// Judges an event, and reads it. In a stream without sessions: [`Self::observe_stream`].
    ///
    /// # Errors
    /// An event without an id where those are refused; what the model refuses. The session is then dropped, and the
    /// next event starts another one.
    pub fn observe(&mut self, event: u32) -> Result<EventVerdict, StepError> {
        let verdict = self.judge(event, None);
        self.is_open &= verdict.is_ok();
        verdict
    }

    /// [`Self::observe`] in a stream without sessions: where it learns, the guard counts each event.
    ///
    /// # Errors
    /// As [`Self::observe`].
    pub fn observe_stream(&mut self, event: u32) -> Result<EventVerdict, StepError> {
        let verdict = self.observe(event)?;
        if self.doing == Doing::Learn {
            self.guard.count(verdict.is_odd);
        }
        Ok(verdict)
    }

    /// `learns` overrules what it does and what the guard says.
    fn judge(&mut self, event: u32, learns: Option<bool>) -> Result<EventVerdict, StepError> {
        let (verdict, learns) = self.weigh(event, learns)?;
        self.model.read(verdict.score.id, learns)?;
        Ok(verdict)
    }

    /// Judges and measures an event that the model has still to read; tells whether it should learn from it.
    fn weigh(&mut self, event: u32, learns: Option<bool>) -> Result<(EventVerdict, bool), StepError> {
        let id = self.ids.id(event)?;
        if !self.is_open {
            self.begin()?;
        }
        self.balance.count(id);
        let score = TokenScore::of(self.model.probabilities(), id).ok_or(StepError::OtherSizes)?;
        let excess = self.levels.excess(id, score.loss);
        let (is_odd, is_new) = (excess > self.threshold, self.levels.count(id) == 0.0);
        let is_odd = is_odd || is_new;
        let verdict = EventVerdict { score, excess, is_odd, is_new };
        self.note(verdict);
        let learns = learns.unwrap_or(self.doing == Doing::Learn && self.guard.lets_learn());
        if learns || self.doing == Doing::Measure {
            self.levels.add(id, score.loss);
        }
        Ok((verdict, learns))
    }

    /// Counts an event in its session.
    fn note(&mut self, verdict: EventVerdict) {
        let session = &mut self.session;
        if session.events == 0 || verdict.excess > session.worst.excess {
            (session.worst, session.at) = (verdict, session.events);
            session.expected = SessionVerdict::NONE.expected;
            top(self.model.probabilities(), &[], &mut session.expected);
        }
        session.events = session.events.saturating_add(1);
        session.odd = session.odd.saturating_add(u32::from(verdict.is_odd));
        session.is_odd |= verdict.is_odd;
    }

    /// Ends the session, judges that it ends here and the balance of its events, and judges it as a whole. Where it
    /// learns, the guard counts the session.
    ///
    /// # Errors
    /// What the model refuses. The session is over.
    pub fn end(&mut self) -> Result<SessionVerdict, StepError> {
        let ended = self.weigh(self.ids.end, None);
        // nothing follows that would have to be foreseen
        let ended = ended.and_then(|(end, learns)| if learns { self.model.read(end.score.id, true) } else { Ok(()) });
        let is_learning = self.doing == Doing::Learn;
        let learned = self.model.end(is_learning);
        let mut session = core::mem::replace(&mut self.session, SessionVerdict::NONE);
        self.is_open = false;
        ended?;
        learned?;
        session.imbalance = self.balance.imbalance();
        session.is_odd |= session.imbalance.is_some();
        let is_normal = match self.guard.state() {
            _ if self.doing == Doing::Measure => true,
            GuardState::Learning => is_learning && session.imbalance.is_none(),
            GuardState::Adapting => is_learning,
            GuardState::Holding => false,
        };
        if is_normal {
            self.balance.add();
        }
        if is_learning {
            self.guard.count(session.is_odd);
        }
        Ok(session)
    }

    /// A whole session: begin, each event, end.
    ///
    /// # Errors
    /// As [`Self::observe`].
    pub fn session(&mut self, events: &[u32]) -> Result<SessionVerdict, StepError> {
        self.begin()?;
        for &event in events {
            self.observe(event)?;
        }
        self.end()
    }

    /// "This was normal": learns from a session whatever was thought of it, and measures it. A model that doesn't learn
    /// is left as it is; what it finds surprising in these events counts as usual from now on.
    ///
    /// # Errors
    /// As [`Self::observe`].
    pub fn teach(&mut self, events: &[u32]) -> Result<(), StepError> {
        self.begin()?;
        for event in events.iter().copied().chain([self.ids.end]) {
            let done = self.judge(event, Some(true));
            self.is_open &= done.is_ok();
            done?;
        }
        self.balance.add();
        (self.session, self.is_open) = (SessionVerdict::NONE, false);
        self.model.end(true)
    }

    /// Forgets what was measured, as behind a training that made the model another one. A balance isn't the model's,
    /// and stays.
    pub fn clear_measures(&mut self) {
        clear(self.levels.0.as_mut());
    }

    /// V counts, then V mean surprises in nats: all that a detector knows beside its model and its balance. Saved
    /// between two sessions with these and a [`LearnerRecord`](crate::LearnerRecord), it goes on with the same bits:
    ///
    /// ```
    /// use rnnlm::{
    ///     CheckpointError, Config, Detector, EventIds, LearnerRecord, LstmCell, OnlineLearner, Rnnlm,
    ///     TrainingState, Xorshift,
    /// };
    /// let config =
    ///     Config { vocab_size: 6, wordvec_size: 8, hidden_size: 8, batch_size: 1, time_size: 4 };
    /// let ids = EventIds::last_two(6);
    /// let learner = OnlineLearner::new(Rnnlm::new(config, &mut Xorshift::new(1))?, 0.5)?;
    /// let mut detector = Detector::new(learner, ids)?;
    /// detector.teach(&[0, 1, 2])?;
    ///
    /// let mut record = Vec::new();
    /// let state = TrainingState::default();
    /// LearnerRecord::write_with(detector.model(), &state, "", &mut [0; 256], |page| {
    ///     record.extend_from_slice(page);
    ///     Ok::<(), CheckpointError>(())
    /// })?;
    /// let (measures, threshold) = (detector.measures().to_vec(), detector.threshold());
    ///
    /// let memory = config.memory_of::<LstmCell>()?; // switched off, and on again
    /// let model = Rnnlm::new(config, &mut Xorshift::new(2))?;
    /// let learner = LearnerRecord::<LstmCell>::read_as(&record)?
    ///     .resume(model, vec![0.0; memory.prediction], vec![0; memory.ids])?;
    /// let mut resumed = Detector::with_buffers(learner, ids, measures)?;
    /// resumed.set_threshold(threshold);
    /// assert_eq!(resumed.session(&[0, 1, 2])?, detector.session(&[0, 1, 2])?);
    /// # Ok::<(), rnnlm::Error>(())
    /// ```
    #[must_use]
    pub fn measures(&self) -> &[f32] {
        self.levels.0.as_ref()
    }

    /// Keeps what was learned, to come back to by [`Self::revert`]: all weights that learning changes, then
    /// [`Self::measures`]. A balance is kept by a clone of it.
    ///
    /// # Errors
    /// [`StepError::Length`] for memory of another length.
    pub fn keep(&self, to: &mut [f32]) -> Result<(), StepError> {
        let (learned, measures) = (self.model.learned(), self.measures());
        let (needed, given) = (learned.len() + measures.len(), to.len());
        match to.split_at_mut_checked(learned.len()) {
            Some((weights, rest)) if needed == given => {
                copy(weights, learned);
                copy(rest, measures);
                Ok(())
            }
            _ => Err(StepError::Length { needed, given }),
        }
    }

    /// Comes back to what [`Self::keep`] kept. An open session is dropped, and the guard is reset.
    ///
    /// # Errors
    /// [`StepError::Length`] for memory of another length.
    pub fn revert(&mut self, kept: &[f32]) -> Result<(), StepError> {
        let (learned, given) = (self.model.learned().len(), kept.len());
        let needed = learned + self.measures().len();
        match kept.split_at_checked(learned) {
            Some((weights, measures)) if needed == given => {
                copy(self.model.learned_mut(), weights);
                copy(self.levels.0.as_mut(), measures);
            }
            _ => return Err(StepError::Length { needed, given }),
        }
        self.model.restart();
        self.guard.reset();
        (self.session, self.is_open) = (SessionVerdict::NONE, false);
        Ok(())
    }

    /// What foresees.
    #[must_use]
    pub fn model(&self) -> &M {
        &self.model
    }

    /// Gives the model back.
    #[must_use]
    pub fn into_model(self) -> M {
        self.model
    }
}
