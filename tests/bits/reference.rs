//! The whole training step in plain f64: the oracle of the crate and its explanation. Never optimised.
//!
//! One row of text after the other, one token after the other, exactly as the equations read. Weights are plain
//! nested vectors; `w[i][j]` multiplies input i and feeds output j.
#![allow(clippy::needless_range_loop)] // indices read like the equations

/// A matrix as rows.
pub type Rows = Vec<Vec<f64>>;

/// The weights, or their gradients.
#[derive(Clone, Debug)]
pub struct Reference {
    pub embed_w: Rows,
    pub rnn_wx: Rows,
    pub rnn_wh: Rows,
    pub rnn_b: Vec<f64>,
    pub affine_w: Rows,
    pub affine_b: Vec<f64>,
}

/// What the forward pass remembers of one token.
struct Token {
    input: usize,
    target: Option<usize>,
    h_prev: Vec<f64>,
    h: Vec<f64>,
    probabilities: Vec<f64>,
}

fn zeros(rows: usize, cols: usize) -> Rows {
    vec![vec![0.0; cols]; rows]
}

impl Reference {
    pub fn zeros_like(other: &Self) -> Self {
        let like = |m: &Rows| zeros(m.len(), m[0].len());
        Self {
            embed_w: like(&other.embed_w),
            rnn_wx: like(&other.rnn_wx),
            rnn_wh: like(&other.rnn_wh),
            rnn_b: vec![0.0; other.rnn_b.len()],
            affine_w: like(&other.affine_w),
            affine_b: vec![0.0; other.affine_b.len()],
        }
    }

    /// Every number, in the order in which the crate keeps the weights.
    pub fn flat(&mut self) -> Vec<&mut f64> {
        let Self { embed_w, rnn_wx, rnn_wh, rnn_b, affine_w, affine_b } = self;
        let mut all: Vec<&mut f64> = Vec::new();
        all.extend(embed_w.iter_mut().flatten());
        all.extend(rnn_wx.iter_mut().flatten());
        all.extend(rnn_wh.iter_mut().flatten());
        all.extend(rnn_b);
        all.extend(affine_w.iter_mut().flatten());
        all.extend(affine_b);
        all
    }

    /// The mean loss of a window of N rows (`xs[n][t]`, targets `None` where ignored) from the states `h[n]`, which
    /// move on.
    pub fn loss(&self, xs: &[Vec<usize>], ts: &[Vec<Option<usize>>], h: &mut Rows) -> f64 {
        self.read(xs, ts, h).0
    }

    fn read(&self, xs: &[Vec<usize>], ts: &[Vec<Option<usize>>], h: &mut Rows) -> (f64, Vec<Vec<Token>>) {
        let hidden = self.rnn_b.len();
        let (mut loss, mut count) = (0.0, 0);
        let mut all = Vec::new();
        for ((xs, ts), h) in xs.iter().zip(ts).zip(h) {
            let mut row = Vec::new();
            for (&input, &target) in xs.iter().zip(ts) {
                // h_t = tanh(b + x_t Wx + h_{t-1} Wh)
                let x = &self.embed_w[input];
                let h_prev = h.clone();
                for j in 0..hidden {
                    let mut z = self.rnn_b[j];
                    for (i, x) in x.iter().enumerate() {
                        z += x * self.rnn_wx[i][j];
                    }
                    for (i, h) in h_prev.iter().enumerate() {
                        z += h * self.rnn_wh[i][j];
                    }
                    h[j] = z.tanh();
                }
                // softmax(b + h W)
                let mut logits = self.affine_b.clone();
                for (h, w) in h.iter().zip(&self.affine_w) {
                    for (logit, w) in logits.iter_mut().zip(w) {
                        *logit += h * w;
                    }
                }
                let max = logits.iter().fold(f64::MIN, |a, &b| a.max(b));
                let sum: f64 = logits.iter().map(|l| (l - max).exp()).sum();
                let probabilities: Vec<f64> = logits.iter().map(|l| (l - max).exp() / sum).collect();
                if let Some(target) = target {
                    loss += sum.ln() - (logits[target] - max);
                    count += 1;
                }
                row.push(Token { input, target, h_prev, h: h.clone(), probabilities });
            }
            all.push(row);
        }
        (if count == 0 { 0.0 } else { loss / f64::from(count) }, all)
    }

    /// The mean loss of a window and its gradient; no gradient flows through the states before the window.
    pub fn step(&self, xs: &[Vec<usize>], ts: &[Vec<Option<usize>>], h: &mut Rows) -> (f64, Self) {
        let (loss, rows) = self.read(xs, ts, h);
        let mut g = Self::zeros_like(self);
        let count = rows.iter().flatten().filter(|token| token.target.is_some()).count();
        let hidden = self.rnn_b.len();
        for row in &rows {
            // what the later tokens of the row ask of this token's hidden state
            let mut d_h_next = vec![0.0; hidden];
            for token in row.iter().rev() {
                let mut d_h = d_h_next;
                if let Some(target) = token.target {
                    for (v, p) in token.probabilities.iter().enumerate() {
                        let d_logit = (p - f64::from(u8::from(v == target))) / count as f64;
                        g.affine_b[v] += d_logit;
                        for j in 0..hidden {
                            g.affine_w[j][v] += token.h[j] * d_logit;
                            d_h[j] += d_logit * self.affine_w[j][v];
                        }
                    }
                }
                d_h_next = vec![0.0; hidden];
                let x = &self.embed_w[token.input];
                for j in 0..hidden {
                    let d_z = d_h[j] * (1.0 - token.h[j] * token.h[j]);
                    g.rnn_b[j] += d_z;
                    for i in 0..x.len() {
                        g.rnn_wx[i][j] += x[i] * d_z;
                        g.embed_w[token.input][i] += d_z * self.rnn_wx[i][j];
                    }
                    for i in 0..hidden {
                        g.rnn_wh[i][j] += token.h_prev[i] * d_z;
                        d_h_next[i] += d_z * self.rnn_wh[i][j];
                    }
                }
            }
        }
        (loss, g)
    }
}
