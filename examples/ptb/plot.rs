//! The perplexities of a run as a picture.

use super::{
    history::{Row, csv},
    picture::{Axis, BOTTOM, LEFT, Picture, RIGHT, SIZE, TOP},
    progress::short,
};

const TRAIN: &str = "#0b62a8";
const VALID: &str = "#d1550a";
const REACHABLE: &str = "#555";
const RATE: &str = "#6a51a3";
/// So many points are marked each; more would hide the curve.
const MOST_MARKED: usize = 60;

/// The curves of training and, where there is one, of validation; `reachable` is a perplexity that none can better.
pub fn svg(rows: &[Row], reachable: Option<f64>) -> String {
    let curve = |of: fn(&Row) -> Option<f32>| -> Vec<(usize, f64)> {
        rows.iter().filter_map(|row| Some((row.epoch, f64::from(of(row)?)))).collect()
    };
    let curves = [("training", TRAIN, curve(|row| Some(row.train))), ("validation", VALID, curve(|row| row.valid))];
    let all = || curves.iter().flat_map(|(_, _, points)| points.iter().map(|point| point.1));
    let values = || all().filter(|perplexity| perplexity.is_finite()).chain(reachable);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(1.0, f64::max));
    let low = low.min(high);
    let (first, last) = (rows.first().map_or(0, |row| row.epoch), rows.last().map_or(1, |row| row.epoch));
    // one epoch stands in the middle
    let around = if first == last { 1.0 } else { 0.0 };
    let x = Axis::linear([first as f64 - around, last as f64 + around], [LEFT, RIGHT], 10.0, 1.0);
    // falling by more than this, the later part of a curve would be a flat line
    let y = if high / low > 8.0 {
        Axis::log([low, high], [BOTTOM, TOP])
    } else {
        Axis::linear([low, high], [BOTTOM, TOP], 6.0, 0.0)
    };

    // a run that goes on reads the values from the description
    let mut picture = Picture::new("Perplexity by epoch", &csv(rows, false));
    picture.axes([&x, &y], ["epoch", "perplexity"]);
    rates(&mut picture, rows, &x);
    if rows.is_empty() {
        picture.label((LEFT + RIGHT) / 2.0, (TOP + BOTTOM) / 2.0, "middle", "no epoch was trained");
    }
    let mut at = LEFT;
    if let Some(perplexity) = reachable {
        let place = y.place(perplexity);
        picture
            .put(format_args!(r#"<path d="M{LEFT} {place:.1}H{RIGHT}" stroke="{REACHABLE}" stroke-dasharray="2 4"/>"#));
    }
    for (name, color, points) in curves.iter().filter(|(_, _, points)| !points.is_empty()) {
        let dashes = if *name == "training" { "" } else { r#" stroke-dasharray="9 4""# };
        // infinite ones are no places in the picture, but gaps in the curve
        for points in points.split(|point| !point.1.is_finite()).filter(|part| !part.is_empty()) {
            let places: Vec<(f64, f64)> = points.iter().map(|p| (x.place(p.0 as f64), y.place(p.1))).collect();
            picture.line(name, color, dashes, &places);
            for ((epoch, perplexity), (x, y)) in points.iter().zip(places).filter(|_| rows.len() <= MOST_MARKED) {
                // shown where the pointer rests on it
                let title = format!("<title>{name}, epoch {epoch}: {perplexity:.2}</title>");
                picture.put(format_args!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="3" fill="{color}">{title}</circle>"#));
            }
        }
        let last = points.last().map_or(0.0, |point| point.1);
        at = picture.legend(at, color, dashes, &format!("{name}, at last {last:.2}"));
    }
    if let Some(perplexity) = reachable {
        let label = format!("best reachable {perplexity:.2}");
        picture.legend(at, REACHABLE, r#" stroke-dasharray="2 4""#, &label);
    }
    picture.finish()
}

/// The learning rate of the first epoch, and a mark where it changes, with the new one where there is room.
fn rates(picture: &mut Picture, rows: &[Row], x: &Axis) {
    const ROOM: f64 = 64.0;
    // more lines down the picture would hide the curves
    let changes = rows.windows(2).filter(|pair| pair[0].learning_rate != pair[1].learning_rate).count();
    let bottom = if changes > 12 { TOP + 8.0 } else { BOTTOM };
    let (mut before, mut free) = (None, f64::NEG_INFINITY);
    for row in rows {
        if row.learning_rate.is_none() || row.learning_rate == before {
            continue;
        }
        let at = if before.is_some() { x.place(row.epoch as f64 - 0.5) } else { LEFT };
        if before.is_some() {
            let style = format!(r#"stroke="{RATE}" stroke-width="1" stroke-dasharray="3 3""#);
            picture.put(format_args!(r#"<path class="rate" d="M{at:.1} {TOP}V{bottom}" {style}/>"#));
        }
        if at >= free && at <= SIZE.0 - ROOM {
            let text = format!("lr {}", short(row.learning_rate.unwrap_or_default()));
            picture.put(format_args!(
                r#"<text x="{at:.1}" y="{:.1}" font-size="11" fill="{RATE}">{text}</text>"#,
                TOP - 5.0
            ));
            free = at + ROOM;
        }
        before = row.learning_rate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(perplexities: &[f32], is_validated: bool) -> Vec<Row> {
        let row = |(epoch, &train)| Row {
            epoch,
            train,
            valid: is_validated.then_some(train * 1.2),
            learning_rate: Some(0.1),
        };
        (1..).zip(perplexities).map(row).collect()
    }

    /// The elements of a well-formed document, each with its attributes.
    fn elements(svg: &str) -> Vec<&str> {
        let (mut open, mut elements) = (Vec::new(), Vec::new());
        for tag in svg.split('<').skip(1) {
            let (tag, text) = tag.split_once('>').expect("a tag that doesn't end");
            assert!(!text.contains('&'), "{text}");
            if let Some(name) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(name), "closed in another order");
                continue;
            }
            let (element, closes) = tag.strip_suffix('/').map_or((tag, false), |element| (element, true));
            let (name, attributes) = element.split_once(' ').unwrap_or((element, ""));
            assert!(!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()), "{tag}");
            // name="value" again and again
            let mut rest = attributes;
            while !rest.is_empty() {
                let (key, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{tag}"));
                let (_, after) = after.split_once('"').unwrap_or_else(|| panic!("{tag}"));
                assert!(key.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-'), "{tag}");
                rest = after.trim_start();
            }
            if !closes {
                open.push(name);
            }
            elements.push(element);
        }
        assert!(open.is_empty(), "{open:?} stay open");
        elements
    }

    fn points(svg: &str, class: &str) -> Vec<(f64, f64)> {
        let Some((_, rest)) = svg.split_once(&format!(r#"<polyline class="{class}" points=""#)) else { return vec![] };
        let list = rest.split('"').next().unwrap();
        list.split(' ')
            .map(|p| p.split_once(',').unwrap())
            .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
            .collect()
    }

    fn is_inside(&(x, y): &(f64, f64)) -> bool {
        (LEFT..=RIGHT).contains(&x) && (TOP..=BOTTOM).contains(&y)
    }

    #[test]
    fn as_many_points_as_epochs_and_all_inside() {
        let falling: Vec<f32> = (0..100).map(|i| 400.0 * 0.95_f32.powi(i) + 5.0).collect();
        for perplexities in [&falling[..], &falling[..12], &falling[90..], &[7.0], &[1.0, 1.0], &[3e38, 2.0], &[]] {
            for (is_validated, reachable) in [(false, None), (true, None), (true, Some(4.0))] {
                let rows = rows(perplexities, is_validated);
                let svg = svg(&rows, reachable);
                let elements = elements(&svg);
                let (train, valid) = (points(&svg, "training"), points(&svg, "validation"));
                assert_eq!(train.len(), rows.len());
                let finite = rows.iter().filter(|row| row.valid.is_some_and(f32::is_finite)).count();
                assert_eq!(valid.len(), finite);
                assert!(train.iter().chain(&valid).all(is_inside), "{svg}");
                assert!(train.is_sorted_by(|a, b| a.0 < b.0));
                let circles = elements.iter().filter(|element| element.starts_with("circle")).count();
                assert_eq!(circles, if rows.len() > MOST_MARKED { 0 } else { train.len() + valid.len() });
                for text in [">epoch<", ">perplexity"] {
                    assert!(svg.contains(text), "{text}");
                }
                assert_eq!(svg.contains(">training, at last "), !train.is_empty());
                assert_eq!(svg.contains(">validation, at last "), !valid.is_empty());
                assert_eq!(svg.contains(">best reachable 4.00<"), reachable.is_some());
            }
        }
    }

    #[test]
    fn infinite_perplexities_are_gaps_and_told_of() {
        let infinite = f32::INFINITY;
        let picture = svg(&rows(&[9.0, 8.0, infinite, 7.0, infinite], false), None);
        let count = |name: &str| elements(&picture).iter().filter(|element| element.starts_with(name)).count();
        assert_eq!((count("polyline"), count("circle")), (2, 3));
        assert!(picture.contains(">training, at last inf<"));
        let picture = svg(&rows(&[infinite], true), Some(4.0));
        assert!(elements(&picture).iter().all(|element| !element.starts_with("polyline")));
        assert!(picture.contains(">training, at last inf<") && picture.contains(">validation, at last inf<"));
    }

    #[test]
    fn each_change_of_the_rate_is_marked() {
        let with_rates = |rates: &[f32]| {
            let mut rows = rows(&vec![9.0; rates.len()], false);
            rows.iter_mut().zip(rates).for_each(|(row, &rate)| row.learning_rate = Some(rate));
            svg(&rows, None)
        };
        let marks = |svg: &str| elements(svg).iter().filter(|element| element.contains(r#"class="rate""#)).count();
        let picture = with_rates(&[0.4, 0.4, 0.2, 0.2, 0.2, 0.1]);
        assert_eq!(marks(&picture), 2);
        assert!([">lr 0.4<", ">lr 0.2<", ">lr 0.1<"].iter().all(|label| picture.contains(label)), "{picture}");
        // where marks stand close, not each has room for its label
        let falling: Vec<f32> = (0..100).map(|i| 0.9_f32.powi(i)).collect();
        let picture = with_rates(&falling);
        assert_eq!(marks(&picture), 99);
        assert!((5..12).contains(&picture.matches(r#"font-size="11""#).count()), "{picture}");
        assert_eq!(marks(&with_rates(&[0.1; 9])), 0);
    }

    #[test]
    fn the_values_stand_in_the_picture() {
        let rows = rows(&[400.1, 6.333_333], true);
        let picture = svg(&rows, None);
        let inside = picture.split_once("<desc>").unwrap().1.split_once("</desc>").unwrap().0;
        assert_eq!(super::super::history::rows(inside).unwrap(), rows);
    }

    #[test]
    fn the_scale_suits_the_curve() {
        assert!(svg(&rows(&[400.0, 6.0], false), None).contains("(logarithmic)"));
        assert!(!svg(&rows(&[40.0, 12.0], false), None).contains("(logarithmic)"));
    }
}
