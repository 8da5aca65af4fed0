//! A threshold from normal data alone, in constant memory.

use crate::{kernels::sqrt, simd::Scalar};

/// The range of the bins, in nats.
const LEAST: f32 = -32.0;
const RANGE: f32 = 96.0;

/// Counts how odd normal sessions or events are, in bins of the caller's memory, and finds the threshold that as few of
/// them exceed as is wished.
///
/// The bins share the range from -32 to 64 nats, so 192 of them are half a nat wide; what lies outside counts in the
/// first or the last. A threshold is the upper edge of a bin: it is never too low, and at most one bin too high.
///
/// ```
/// use rnnlm::FalseAlarms;
/// let mut alarms = FalseAlarms::new([0; 192]);
/// for i in 0..1000 {
///     alarms.add(0.01 * i as f32); // the excess of a verdict
/// }
/// let threshold = alarms.threshold(0.01);
/// assert_eq!((threshold.excess, threshold.above, threshold.of), (10.0, 0, 1000));
/// // none of a thousand: the true rate is below 0.4%, at odds of 19 to 1
/// assert!(threshold.rate_low == 0.0 && threshold.rate_high < 0.004);
/// ```
#[derive(Clone, Debug)]
pub struct FalseAlarms<B> {
    bins: B,
    count: u32,
}

/// What [`FalseAlarms`] finds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Threshold {
    /// For [`Detector::set_threshold`](crate::Detector::set_threshold); infinite where nothing was counted.
    pub excess: f32,
    /// How many of those counted lie above.
    pub above: u32,
    /// How many were counted.
    pub of: u32,
    /// The lower end of the 95% interval (Wilson, 1927) that the count leaves for the rate of false alarms.
    pub rate_low: f32,
    /// The upper end.
    pub rate_high: f32,
}

impl<B: AsRef<[u32]> + AsMut<[u32]>> FalseAlarms<B> {
    /// Nothing counted yet, in bins of any number.
    pub fn new(mut bins: B) -> Self {
        bins.as_mut().fill(0);
        Self { bins, count: 0 }
    }

    /// Counts the excess of a normal session or event.
    pub fn add(&mut self, excess: f32) {
        let bins = self.bins.as_mut();
        let share = (excess - LEAST) / RANGE * bins.len() as f32;
        // saturates at both ends
        let at = (share as usize).min(bins.len().saturating_sub(1));
        if let (Some(bin), Some(count)) = (bins.get_mut(at), self.count.checked_add(1)) {
            *bin += 1;
            self.count = count;
        }
    }

    /// The lowest threshold that no more than this share of those counted exceed.
    #[must_use]
    pub fn threshold(&self, rate: f32) -> Threshold {
        let bins = self.bins.as_ref();
        let allowed = rate * self.count as f32;
        let (mut above, mut edge) = (0, bins.len());
        for &bin in bins.iter().rev() {
            // what lies beyond the last bin has no edge above it
            if (above + bin) as f32 > allowed {
                break;
            }
            above += bin;
            edge -= 1;
        }
        let excess = if self.count == 0 || edge == bins.len() && bins.last().is_some_and(|&bin| bin > 0) {
            f32::INFINITY
        } else {
            LEAST + edge as f32 * (RANGE / bins.len() as f32)
        };
        let [rate_low, rate_high] = rate_interval(above, self.count);
        Threshold { excess, above, of: self.count, rate_low, rate_high }
    }
}

/// The 95% interval of a rate of which `count` in `of` were seen (Wilson, 1927).
///
/// ```
/// let [low, high] = rnnlm::rate_interval(5, 1000);
/// assert!((low - 0.00214).abs() < 1e-5 && (high - 0.01165).abs() < 1e-5);
/// assert_eq!(rnnlm::rate_interval(0, 0), [0.0, 1.0]);
/// ```
#[must_use]
pub fn rate_interval(count: u32, of: u32) -> [f32; 2] {
    const Z: f32 = 1.959_964;
    if of == 0 {
        return [0.0, 1.0];
    }
    let n = of as f32;
    let p = count as f32 / n;
    let (middle, z2) = (p + Z * Z / (2.0 * n), Z * Z / n);
    let half = Z * sqrt(Scalar, p * (1.0 - p) / n + z2 / (4.0 * n));
    let [low, high] = [(middle - half) / (1.0 + z2), (middle + half) / (1.0 + z2)];
    [if count == 0 { 0.0 } else { low }, if count >= of { 1.0 } else { high }]
}
