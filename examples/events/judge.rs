//! Precision, recall, F1 with its interval, and the ROC curve.

use rnnlm::rate_interval;

/// What a detector did, pooled.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// False alarms among so many normal sessions.
    pub false_alarms: f64,
    pub normal: f64,
    /// The share of abnormal sessions that were found.
    pub recall: f64,
}

/// Precision, recall and F1 where there were so many sessions of each kind, and F1 at both ends of the 95% interval
/// of the false alarms' rate.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub precision: f64,
    pub recall: f64,
    pub f1: f64,
    pub f1_interval: [f64; 2],
}

impl Counts {
    pub fn figures(&self, normal: f64, abnormal: f64) -> Figures {
        let rate = self.false_alarms / self.normal;
        let [low, high] = rate_interval(self.false_alarms.round() as u32, self.normal as u32);
        let of = |rate: f64| {
            let (found, wrong) = (self.recall * abnormal, rate * normal);
            [found / (found + wrong).max(f64::MIN_POSITIVE), 2.0 * found / (found + wrong + abnormal)]
        };
        let [precision, f1] = of(rate);
        let f1_interval = [of(f64::from(high))[1], of(f64::from(low))[1]];
        Figures { precision, recall: self.recall, f1, f1_interval }
    }
}

/// Points of the ROC curve, false alarms and found, both as shares, from scores of normal and of abnormal sessions.
pub fn roc(normal: &[f32], abnormal: &[f32]) -> Vec<[f64; 2]> {
    let mut all: Vec<(f32, usize)> = normal.iter().map(|&x| (x, 0)).chain(abnormal.iter().map(|&x| (x, 1))).collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut counts, mut points) = ([0.0; 2], vec![[0.0; 2]]);
    let of = [normal.len().max(1) as f64, abnormal.len().max(1) as f64];
    for (i, &(score, kind)) in all.iter().enumerate() {
        counts[kind] += 1.0;
        // equal scores are one point
        if all.get(i + 1).is_none_or(|next| next.0 != score) {
            points.push([counts[0] / of[0], counts[1] / of[1]]);
        }
    }
    points
}

/// The area below a ROC curve.
pub fn area(points: &[[f64; 2]]) -> f64 {
    points.windows(2).map(|pair| (pair[1][0] - pair[0][0]) * (pair[0][1] + pair[1][1]) / 2.0).sum()
}

/// The curve as a picture. The rate of false alarms is drawn to its square root: the left end is what counts.
pub fn svg(points: &[[f64; 2]], at: [f64; 2]) -> String {
    let place = |[x, y]: [f64; 2]| format!("{:.1},{:.1}", 50.0 + 400.0 * x.sqrt(), 430.0 - 400.0 * y);
    let line: Vec<String> = points.iter().map(|&point| place(point)).collect();
    let (line, dot) = (line.join(" "), place(at));
    let (x, y) = dot.split_once(',').unwrap_or_default();
    let mut marks = String::new();
    for share in [0.0001_f64, 0.001, 0.01, 0.1, 0.5, 1.0] {
        let x = 50.0 + 400.0 * share.sqrt();
        marks += &format!("<text x=\"{x:.0}\" y=\"448\">{}%</text>\n", 100.0 * share);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 480 480\" font-family=\"sans-serif\" font-size=\"10\" \
         text-anchor=\"middle\">\n<rect width=\"480\" height=\"480\" fill=\"white\"/>\n\
         <rect x=\"50\" y=\"30\" width=\"400\" height=\"400\" fill=\"none\" stroke=\"gray\"/>\n{marks}\
         <text x=\"250\" y=\"468\">normal sessions flagged (square root scale)</text>\n\
         <text transform=\"translate(20 230) rotate(-90)\">abnormal sessions flagged</text>\n\
         <text x=\"34\" y=\"433\">0%</text><text x=\"34\" y=\"34\">100%</text>\n\
         <polyline points=\"{line}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>\n\
         <circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"#c03020\"><title>the threshold</title></circle>\n</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_from_the_counts() {
        let figures = Counts { false_alarms: 10.0, normal: 1000.0, recall: 0.9 }.figures(1000.0, 100.0);
        // found 90, wrong 10, missed 10
        assert!((figures.precision - 0.9).abs() < 1e-12 && (figures.f1 - 0.9).abs() < 1e-12, "{figures:?}");
        assert!(figures.f1_interval[0] < 0.9 && figures.f1_interval[1] > 0.9);
    }

    #[test]
    fn the_curve_joins_equal_scores() {
        let points = roc(&[1.0, 2.0], &[2.0, 3.0]);
        assert_eq!(points, [[0.0, 0.0], [0.0, 0.5], [0.5, 1.0], [1.0, 1.0]]);
        assert_eq!(area(&points), 0.875);
        assert!(svg(&points, [0.5, 1.0]).contains("polyline"));
    }
}
