//! Vanishing and exploding gradients, chapter 6 of the book, as a picture: how much of a loss reaches the words before
//! it, through the tanh cell and through an LSTM.
//!
//! ```text
//! cargo run --release --example gradient_norms -- gradient_norms.svg
//! ```
//!
//! The models are freshly drawn. The loss counts the last word of each row alone, and no word occurs twice, so each row
//! of the gradient of embed.W is what reaches one word. (Bengio, Simard and Frasconi, Learning long-term dependencies
//! with gradient descent is difficult, IEEE Transactions on Neural Networks 5(2), 1994; Pascanu, Mikolov and Bengio, On
//! the difficulty of training recurrent neural networks, ICML 2013.)

#[path = "shared/picture.rs"]
mod picture;

use std::{env, error::Error, fmt::Write, fs};

use picture::{Axis, BOTTOM, LEFT, Picture, RIGHT, TOP};
use rnnlm::{
    AlignedVec, Cell, Config, Gradients, IGNORE, LstmCell, Matrix, Model, Rnnlm, SimpleRnnlm, TanhCell, Xorshift,
};

const ROWS: usize = 20;
/// Words of a row.
const STEPS: usize = 50;
const CONFIG: Config =
    Config { vocab_size: ROWS * STEPS, wordvec_size: 100, hidden_size: 100, batch_size: ROWS, time_size: STEPS };

/// Norms of gradients by steps back, the first one 1.
struct Curve {
    name: &'static str,
    color: &'static str,
    norms: Vec<f64>,
}

/// The root mean square, over the rows, of the norm of what reaches the word so many steps before the last one.
fn norms<C: Cell>(
    mut model: Model<C>,
    embed_w: impl Fn(&Gradients<AlignedVec, C>) -> Matrix<&[f32]>,
) -> Result<Vec<f64>, rnnlm::Error> {
    let xs: Vec<u32> = (0..CONFIG.vocab_size as u32).collect();
    let mut ts = vec![IGNORE; xs.len()];
    ts.iter_mut().skip(STEPS - 1).step_by(STEPS).zip(0..).for_each(|(target, id)| *target = id);
    let mut gradients = Gradients::<_, C>::new_as(CONFIG)?;
    model.forward(&xs, &ts)?.backward(&mut gradients)?;
    let of_words = embed_w(&gradients);
    let square =
        |word: usize| of_words.row(word).unwrap_or_default().iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
    let norm = |back: usize| (0..ROWS).map(|row| square(row * STEPS + STEPS - 1 - back)).sum::<f64>().sqrt();
    Ok((0..STEPS).map(|back| norm(back) / norm(0)).collect())
}

/// With Wh times a factor.
fn of_tanh(factor: f32) -> Result<Vec<f64>, rnnlm::Error> {
    let mut model = SimpleRnnlm::new(CONFIG, &mut Xorshift::new(1))?;
    model.weights_mut().rnn_wh.as_mut_slice().iter_mut().for_each(|w| *w *= factor);
    norms::<TanhCell>(model, |gradients| gradients.parameters().embed_w)
}

/// With Wh times a factor, and this bias of the forget gates.
fn of_lstm(factor: f32, forget: f32) -> Result<Vec<f64>, rnnlm::Error> {
    let mut model = Rnnlm::new(CONFIG, &mut Xorshift::new(1))?;
    let mut weights = model.weights_mut();
    weights.lstm_wh.as_mut_slice().iter_mut().for_each(|w| *w *= factor);
    // their columns are the first quarter
    weights.lstm_b.as_mut_slice().iter_mut().take(CONFIG.hidden_size).for_each(|b| *b = forget);
    norms::<LstmCell>(model, |gradients| gradients.parameters().embed_w)
}

fn curves() -> Result<[Curve; 5], rnnlm::Error> {
    Ok([
        Curve { name: "tanh, 2 Wh", color: "#a50f15", norms: of_tanh(2.0)? },
        Curve { name: "tanh", color: "#d1550a", norms: of_tanh(1.0)? },
        Curve { name: "tanh, Wh/2", color: "#e6a000", norms: of_tanh(0.5)? },
        Curve { name: "LSTM", color: "#4292c6", norms: of_lstm(1.0, 0.0)? },
        Curve { name: "LSTM, Wh/2, forget bias 2", color: "#08306b", norms: of_lstm(0.5, 2.0)? },
    ])
}

/// A line per number of steps back.
fn csv(curves: &[Curve]) -> String {
    let mut text = "steps back".to_string();
    curves.iter().for_each(|curve| text = format!("{text};{}", curve.name));
    for back in 0..STEPS {
        // a String takes everything
        let _ = write!(text, "\n{back}");
        for curve in curves {
            let _ = write!(text, ";{:.3e}", curve.norms[back]);
        }
    }
    text + "\n"
}

fn svg(curves: &[Curve]) -> String {
    let all = || curves.iter().flat_map(|curve| &curve.norms).copied();
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    let x = Axis::linear([0.0, (STEPS - 1) as f64], [LEFT, RIGHT], 10.0, 1.0);
    let y = Axis::log([low, high], [BOTTOM, TOP]);
    let mut picture = Picture::new("Norms of gradients through time", &csv(curves));
    picture.axes([&x, &y], ["steps back from the loss", "norm of the gradient"]);
    let mut at = LEFT - 40.0;
    for Curve { name, color, norms } in curves {
        let places: Vec<(f64, f64)> =
            (0..).zip(norms).map(|(back, &norm)| (x.place(f64::from(back)), y.place(norm))).collect();
        picture.line(name, color, "", &places);
        at = picture.legend(at, color, "", name);
    }
    picture.finish()
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("name the file of the picture")?;
    let curves = curves()?;
    println!("norm of the gradient, relative to that of the last word:");
    println!("{:>25} {:>9} {:>9} {:>9} {:>9}", "steps back", 1, 10, 25, STEPS - 1);
    for Curve { name, norms, .. } in &curves {
        println!("{name:>25} {:>9.2e} {:>9.2e} {:>9.2e} {:>9.2e}", norms[1], norms[10], norms[25], norms[STEPS - 1]);
    }
    Ok(fs::write(path, svg(&curves))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_vanish_explode_or_last() {
        let [exploding, tanh, vanishing, lstm, lasting] = curves().unwrap().map(|curve| curve.norms);
        let last = STEPS - 1;
        assert!(exploding[last] > 1e3, "{exploding:?}");
        assert!(tanh.iter().all(|norm| (0.1..10.0).contains(norm)), "{tanh:?}");
        // half of it in each step
        assert!((vanishing[last].log2() / last as f64 + 0.95).abs() < 0.1, "{vanishing:?}");
        // a forget gate that is drawn is half open
        assert!(lstm[last] < 1e-6 && lstm[last] > 1e4 * vanishing[last], "{lstm:?}");
        assert!(lasting.iter().all(|norm| (0.3..=1.0).contains(norm)), "{lasting:?}");
    }

    #[test]
    fn every_norm_is_in_the_picture() {
        let curves = curves().unwrap();
        let svg = svg(&curves);
        let lines: Vec<&str> = svg.split("<polyline ").skip(1).collect();
        assert_eq!(lines.len(), curves.len());
        for (line, Curve { name, .. }) in lines.iter().zip(&curves) {
            assert!(line.starts_with(&format!("class=\"{name}\"")) && svg.contains(&format!(">{name}</text>")));
            let points: Vec<(f64, f64)> = line
                .split('"')
                .nth(3)
                .unwrap()
                .split(' ')
                .map(|point| {
                    let (x, y) = point.split_once(',').unwrap();
                    (x.parse().unwrap(), y.parse().unwrap())
                })
                .collect();
            assert_eq!(points.len(), STEPS);
            assert!(points.iter().all(|(x, y)| (LEFT..=RIGHT).contains(x) && (TOP..=BOTTOM).contains(y)), "{points:?}");
        }
        let values = svg.split_once("<desc>").unwrap().1.split_once("\n</desc>").unwrap().0;
        assert_eq!(values.lines().count(), 1 + STEPS);
    }
}
