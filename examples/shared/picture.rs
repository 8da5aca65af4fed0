//! Curves as a picture: SVG, which every browser shows.

use std::fmt::Write;

/// Width and height of the picture, and the borders of the area in which the curves stand.
pub const SIZE: (f64, f64) = (800.0, 480.0);
pub const LEFT: f64 = 72.0;
pub const RIGHT: f64 = 776.0;
pub const TOP: f64 = 56.0;
pub const BOTTOM: f64 = 428.0;

/// An axis: values to ticks and to places.
pub struct Axis {
    is_log: bool,
    /// The values at the two ends.
    range: [f64; 2],
    /// The two ends in the picture.
    ends: [f64; 2],
    ticks: Vec<f64>,
}

impl Axis {
    /// Ticks at 1, 2 or 5 times a power of ten, about `count` of them, with the range widened to them.
    pub fn linear(values: [f64; 2], ends: [f64; 2], count: f64, least_step: f64) -> Self {
        let [low, high] = values;
        let rough = ((high - low) / count).max(high.abs() * 1e-3).max(least_step);
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|x| x * power).into_iter().find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(power).max(least_step);
        let first = (low / step + 1e-9).floor();
        let last = (high / step - 1e-9).ceil().max(first + 1.0);
        let ticks = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
        Self { is_log: false, range: [first * step, last * step], ends, ticks }
    }

    /// The same on a logarithmic scale; over many powers of ten, ticks at some of these alone.
    pub fn log(values: [f64; 2], ends: [f64; 2]) -> Self {
        let [low, high] = values.map(f64::log10);
        let decades = (high - low).ceil();
        let [first, last] = [low.floor() as i32, high.ceil() as i32];
        let steps: &[f64] = if decades <= 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let every = (decades / 8.0).ceil().max(1.0) as usize;
        let all = (first..=last).step_by(every).flat_map(|power| steps.iter().map(move |x| x * 10_f64.powi(power)));
        let all: Vec<f64> = all.collect();
        // from the last tick below the values to the first above
        let from = all.iter().rposition(|&tick| tick <= values[0] * 1.0001).unwrap_or(0);
        let to = all.iter().position(|&tick| tick >= values[1] * 0.9999).unwrap_or(all.len() - 1);
        let ticks = all.get(from..=to).unwrap_or(&all).to_vec();
        let ends_of = |values: &[f64]| [values[0], values[values.len() - 1]];
        let [bottom, top] = ends_of(&ticks);
        Self { is_log: true, range: [bottom.min(values[0]), top.max(values[1])], ends, ticks }
    }

    pub fn place(&self, value: f64) -> f64 {
        let scale = |value: f64| if self.is_log { value.log10() } else { value };
        let [low, high] = self.range.map(scale);
        self.ends[0] + (scale(value) - low) / (high - low) * (self.ends[1] - self.ends[0])
    }
}

pub struct Picture {
    text: String,
}

impl Picture {
    /// With the values as a description, which tells them to whom can't see the picture.
    pub fn new(title: &str, description: &str) -> Self {
        let (width, height) = SIZE;
        let font = r#"font-family="sans-serif" font-size="13" fill="none" stroke-width="2""#;
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" {font}>\n\
             <title>{title}</title>\n<desc>{description}</desc>\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n"
        );
        Self { text }
    }

    /// The whole document.
    pub fn finish(self) -> String {
        self.text + "</svg>\n"
    }

    pub fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // a String takes everything
        let _ = writeln!(self.text, "{element}");
    }

    pub fn label(&mut self, x: f64, y: f64, anchor: &str, text: &str) {
        self.put(format_args!(r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" fill="#222">{text}</text>"##));
    }

    /// Grid, ticks and names.
    pub fn axes(&mut self, [x, y]: [&Axis; 2], [x_name, y_name]: [&str; 2]) {
        for &tick in &x.ticks {
            let at = x.place(tick);
            self.put(format_args!(r##"<path d="M{at:.1} {TOP}V{BOTTOM}" stroke="#e4e4e4" stroke-width="1"/>"##));
            self.label(at, BOTTOM + 18.0, "middle", &number(tick));
        }
        for &tick in &y.ticks {
            let at = y.place(tick);
            self.put(format_args!(r##"<path d="M{LEFT} {at:.1}H{RIGHT}" stroke="#e4e4e4" stroke-width="1"/>"##));
            self.label(LEFT - 8.0, at + 4.0, "end", &number(tick));
        }
        self.put(format_args!(r##"<path d="M{LEFT} {TOP}V{BOTTOM}H{RIGHT}" stroke="#222" stroke-width="1"/>"##));
        self.label((LEFT + RIGHT) / 2.0, BOTTOM + 40.0, "middle", x_name);
        let name = if y.is_log { format!("{y_name} (logarithmic)") } else { y_name.into() };
        let middle = (TOP + BOTTOM) / 2.0;
        self.put(format_args!(
            r##"<text transform="translate(18 {middle}) rotate(-90)" text-anchor="middle" fill="#222">{name}</text>"##
        ));
    }

    /// A line through places of the picture. `dashes` is empty, or an attribute with a space before it.
    pub fn line(&mut self, class: &str, color: &str, dashes: &str, places: &[(f64, f64)]) {
        let list: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let list = list.join(" ");
        self.put(format_args!(r#"<polyline class="{class}" points="{list}" stroke="{color}"{dashes}/>"#));
    }

    /// A line and what it stands for, above the curves from `x` on; returns where the next one may begin.
    pub fn legend(&mut self, x: f64, color: &str, dashes: &str, text: &str) -> f64 {
        let (y, end) = (TOP - 24.0, x + 32.0);
        self.put(format_args!(r#"<path d="M{x} {y}H{end}" stroke="{color}"{dashes}/>"#));
        self.label(end + 8.0, y + 4.0, "start", text);
        end + 8.0 + 7.2 * text.len() as f64 + 16.0
    }
}

/// A tick's number without needless zeros.
fn number(value: f64) -> String {
    if value != 0.0 && !(5e-5..1e6).contains(&value.abs()) {
        return format!("{value:.0e}");
    }
    // ticks are multiples of powers of ten, but for the rounding of their computation
    let rounded = format!("{value:.6}");
    rounded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_values() {
        let ticks = |axis: Axis| axis.ticks.into_iter().map(number).collect::<Vec<_>>().join(" ");
        let ends = [0.0, 1.0];
        assert_eq!(ticks(Axis::linear([1.0, 12.0], ends, 10.0, 1.0)), "0 2 4 6 8 10 12");
        assert_eq!(ticks(Axis::linear([1.0, 1.0], ends, 10.0, 1.0)), "1 2");
        assert_eq!(ticks(Axis::linear([3.0, 5.0], ends, 10.0, 1.0)), "3 4 5");
        assert_eq!(ticks(Axis::linear([11.01, 57.3], ends, 6.0, 0.0)), "10 20 30 40 50 60");
        assert_eq!(ticks(Axis::linear([1.02, 1.09], ends, 6.0, 0.0)), "1.02 1.04 1.06 1.08 1.1");
        assert_eq!(ticks(Axis::log([5.6, 394.0], ends)), "5 10 20 50 100 200 500");
        assert_eq!(ticks(Axis::log([3e-9, 0.5], ends)), "1e-9 1e-7 1e-5 0.001 0.1");
        assert_eq!(ticks(Axis::log([1.5, 90_000.0], ends)), "1 10 100 1000 10000 100000");
        assert_eq!(ticks(Axis::log([2.0, 3e38], ends)), "1 100000 1e10 1e15 1e20 1e25 1e30 1e35");
    }
}
