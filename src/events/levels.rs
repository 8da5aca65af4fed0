//! How surprising each event usually is.

use crate::{kernels::ln, simd::Scalar};

/// A longer past counts no more in a mean: so it follows a stream that changes.
const MEMORY: f32 = 4096.0;
/// Counts end here.
const MOST: f32 = 1_048_576.0;
/// Infinite surprises count as this many nats.
const LARGEST: f32 = 64.0;

/// For each event how often it came, and its mean surprise in nats: V counts, then V means, in memory of the caller.
///
/// An event is as odd as its surprise exceeds what so many occurrences of it bring by themselves:
///
/// ```text
/// excess = surprise - mean - ln count
/// ```
///
/// Probabilities that are right make surprises with an exponential tail, P(surprise > x) = e^-x, of which the largest
/// of n is about ln n. So an event that comes often may be very surprising now and then, and one that hardly ever came
/// may not.
#[derive(Clone, Debug)]
pub(crate) struct Levels<L>(pub(crate) L);

impl<L: AsRef<[f32]> + AsMut<[f32]>> Levels<L> {
    fn place(&self, id: u32) -> Option<(usize, usize)> {
        let (id, v) = (id as usize, self.0.as_ref().len() / 2);
        (id < v).then_some((id, v + id))
    }

    /// Count and mean.
    fn of(&self, id: u32) -> [f32; 2] {
        let at = |place| self.0.as_ref().get(place).copied().unwrap_or(0.0);
        self.place(id).map_or([0.0; 2], |(count, mean)| [at(count), at(mean)])
    }

    pub(crate) fn count(&self, id: u32) -> f32 {
        self.of(id)[0]
    }

    /// Above 0 where the surprise is above the event's own largest, roughly. Infinite for an event never counted.
    pub(crate) fn excess(&self, id: u32, surprise: f32) -> f32 {
        let [count, mean] = self.of(id);
        if count > 0.0 { surprise - mean - ln(Scalar, count) } else { f32::INFINITY }
    }

    pub(crate) fn add(&mut self, id: u32, surprise: f32) {
        let [count, mean] = self.of(id);
        let surprise = if surprise < LARGEST { surprise } else { LARGEST };
        let count = if count < MOST { count + 1.0 } else { count };
        let share = if count < MEMORY { count } else { MEMORY };
        let mean = mean + (surprise - mean) / share;
        if let Some((count_at, mean_at)) = self.place(id) {
            for (at, value) in [(count_at, count), (mean_at, mean)] {
                if let Some(to) = self.0.as_mut().get_mut(at) {
                    *to = value;
                }
            }
        }
    }
}
