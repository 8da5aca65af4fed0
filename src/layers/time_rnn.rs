//! TimeRnn: the recurrence, stateful, with truncated BPTT.
//!
//! ```text
//! forward    z_t = b + x_t Wx + h_{t-1} Wh            h_t = tanh z_t
//! backward   dh_t = (from the layer above) + dz_{t+1} Wh^T      (no dz_T: gradients stop at the window)
//!            dz_t = dh_t (1 - h_t²)
//!            dx = dz Wx^T     dWx = x^T dz     dWh = h_prev^T dz     db = sum of dz over rows
//! ```
//!
//! x_t Wx is one product for all t, and so are dx, dWx and dWh: h stands in (T+1)*N rows, of which the first T*N
//! are h_prev and the last T*N are h. (Werbos, Backpropagation through time: what it does and how to do it, Proc. IEEE 78(10), 1990.)

use crate::{
    config::Sizes,
    kernels::{
        Into, Left, Meanwhile, Recurrence, RecurrenceBackward, Right, Tanh, TanhBackward, head, product, product_nt,
        product_wide, product_with_sums,
    },
    simd::Simd,
};

/// Fills h ((T+1)*N,H) from block 1 on; block 0 holds the state before the window. x (T*N,D). A recurrence that waits for itself
/// takes in other work meanwhile.
pub(crate) fn forward<S: Simd>(
    s: S,
    h: &mut [f32],
    x: &[f32],
    [wx, wh, b]: [&[f32]; 3],
    meanwhile: impl Meanwhile,
    &Sizes { d, hidden, n, t, .. }: &Sizes,
) {
    let block = n * hidden;
    let Some((before, z)) = h.split_at_mut_checked(block) else { return };
    product(s, [n * t, d, hidden], Left::rows(x, d), Right::Rows(wx), z, Into::Bias(b));
    if n == 1 && s.run(Recurrence { before, z: head(z, t * hidden), w: wh, meanwhile }) {
        return;
    }
    let (mut h_prev, mut rest): (&[f32], _) = (before, z);
    for _ in 0..t {
        let Some((z, behind)) = { rest }.split_at_mut_checked(block) else { return };
        product(s, [n, hidden, hidden], Left::rows(h_prev, hidden), Right::Rows(wh), z, Into::Continue);
        s.run(Tanh(z));
        (h_prev, rest) = (z, behind);
    }
}

/// Turns the gradient of h, d_h (T*N,H), into that of z in place, and gives d_x (T*N,D). Wx and Wh or, where PACKED, their
/// transposes in panels.
pub(crate) fn backward<S: Simd, const PACKED: bool>(
    s: S,
    d_x: &mut [f32],
    d_h: &mut [f32],
    h: &[f32],
    [wx, wh]: [&[f32]; 2],
    pack: &mut [f32],
    &Sizes { d, hidden, n, t, .. }: &Sizes,
) {
    let block = n * hidden;
    let recurrence = [n, hidden, hidden];
    let wh = Right::transposed::<S, PACKED>(s, recurrence, wh, pack);
    let h = h.get(block..).unwrap_or_default();
    let done = match wh {
        // so few vectors are one panel, whose rows stand behind one another
        Right::Panels(w) if n == 1 => s.run(RecurrenceBackward { d: &mut *d_h, h, w, hidden }),
        _ => false,
    };
    if !done {
        let mut d_z_next: &[f32] = &[];
        for (d, h) in d_h.chunks_exact_mut(block.max(1)).zip(h.chunks_exact(block.max(1))).rev() {
            if !d_z_next.is_empty() {
                product(s, recurrence, Left::rows(d_z_next, hidden), wh, d, Into::Continue);
            }
            s.run(TanhBackward { d, h });
            d_z_next = d;
        }
    }
    product_nt::<S, PACKED>(s, [n * t, hidden, d], d_h, wx, d_x, Into::Set, pack);
}

/// Sends dWx (D,H), dWh (H,H) and db (1,H) where `into` says. False where a probe found a step not finite.
pub(crate) fn weight_gradients<S: Simd>(
    s: S,
    [wx, wh, b]: [&mut [f32]; 3],
    [x, h, d_z]: [&[f32]; 3],
    pack: &mut [f32],
    &Sizes { d, hidden, n, t, .. }: &Sizes,
    into: Into<'_>,
) -> bool {
    let rows = n * t;
    product_wide(s, [d, rows, hidden], Left::transposed(x, d), d_z, wx, into, pack)
        & product_with_sums(s, [hidden, rows, hidden], Left::transposed(h, hidden), d_z, [wh, b], into, pack)
}
