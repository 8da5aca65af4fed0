//! The step in the words of ndarray, whose products are matrixmultiply's.

use ndarray::{Array1, Array2, Axis, Zip, linalg::general_mat_mul, s};

use crate::{
    Failure,
    peer::Step,
    workload::{LEARNING_RATE, Start, Window, Workload},
};

pub struct Ndarray {
    sizes: Workload,
    embed_w: Array2<f32>,
    wx: Array2<f32>,
    wh: Array2<f32>,
    b: Array1<f32>,
    affine_w: Array2<f32>,
    affine_b: Array1<f32>,
    x: Array2<f32>,
    dx: Array2<f32>,
    /// The carried states, then those of the window.
    h: Array2<f32>,
    dz: Array2<f32>,
    logits: Array2<f32>,
}

impl Ndarray {
    pub fn new(start: &Start) -> Result<Self, Failure> {
        let sizes = start.workload;
        let parts = sizes.split(&start.weights);
        let matrix = |i: usize| {
            let [rows, cols] = sizes.shapes()[i];
            Array2::from_shape_vec((rows, cols), parts[i].to_vec())
        };
        let zeros = |rows: usize, cols: usize| Array2::zeros((rows, cols));
        Ok(Self {
            sizes,
            embed_w: matrix(0)?,
            wx: matrix(1)?,
            wh: matrix(2)?,
            b: parts[3].to_vec().into(),
            affine_w: matrix(4)?,
            affine_b: parts[5].to_vec().into(),
            x: zeros(sizes.rows(), sizes.d),
            dx: zeros(sizes.rows(), sizes.d),
            h: zeros(sizes.rows() + sizes.n, sizes.h),
            dz: zeros(sizes.rows(), sizes.h),
            logits: zeros(sizes.rows(), sizes.v),
        })
    }
}

impl Step for Ndarray {
    fn step(&mut self, window: &Window) -> Result<f32, Failure> {
        let Workload { n, t, .. } = self.sizes;
        let [xs, ts] = &window.time_major;
        let rate = LEARNING_RATE;

        for (mut row, &id) in self.x.outer_iter_mut().zip(xs) {
            row.assign(&self.embed_w.row(id as usize));
        }
        let (mut carried, mut current) = self.h.view_mut().split_at(Axis(0), n);
        carried.assign(&current.slice(s![(t - 1) * n.., ..]));
        current.assign(&self.b);
        general_mat_mul(1.0, &self.x, &self.wx, 1.0, &mut current);
        for time in 0..t {
            let (before, mut after) = self.h.view_mut().split_at(Axis(0), (time + 1) * n);
            let mut after = after.slice_mut(s![..n, ..]);
            general_mat_mul(1.0, &before.slice(s![time * n.., ..]), &self.wh, 1.0, &mut after);
            after.mapv_inplace(f32::tanh);
        }
        let (previous, current) = (self.h.slice(s![..n * t, ..]), self.h.slice(s![n.., ..]));

        self.logits.assign(&self.affine_b);
        general_mat_mul(1.0, &current, &self.affine_w, 1.0, &mut self.logits);
        let per_row = 1.0 / (n * t) as f32;
        let mut loss = 0.0;
        for (mut row, &target) in self.logits.outer_iter_mut().zip(ts) {
            let target = target as usize;
            let max = row.fold(f32::NEG_INFINITY, |max, &x| if x > max { x } else { max });
            let of_target = row[target] - max;
            row.mapv_inplace(|x| (x - max).exp());
            let sum = row.sum();
            loss += f64::from(sum.ln() - of_target);
            row *= per_row / sum;
            row[target] -= per_row;
        }

        general_mat_mul(1.0, &self.logits, &self.affine_w.t(), 0.0, &mut self.dz);
        general_mat_mul(-rate, &current.t(), &self.logits, 1.0, &mut self.affine_w);
        self.affine_b.scaled_add(-rate, &self.logits.sum_axis(Axis(0)));
        for time in (0..t).rev() {
            let (mut before, after) = self.dz.view_mut().split_at(Axis(0), (time + 1) * n);
            let mut dz = before.slice_mut(s![time * n.., ..]);
            if time + 1 < t {
                general_mat_mul(1.0, &after.slice(s![..n, ..]), &self.wh.t(), 1.0, &mut dz);
            }
            let h = current.slice(s![time * n..(time + 1) * n, ..]);
            Zip::from(&mut dz).and(&h).for_each(|dz, h| *dz *= 1.0 - h * h);
        }
        general_mat_mul(-rate, &previous.t(), &self.dz, 1.0, &mut self.wh);
        self.b.scaled_add(-rate, &self.dz.sum_axis(Axis(0)));
        general_mat_mul(1.0, &self.dz, &self.wx.t(), 0.0, &mut self.dx);
        general_mat_mul(-rate, &self.x.t(), &self.dz, 1.0, &mut self.wx);
        for (row, &id) in self.dx.outer_iter().zip(xs) {
            self.embed_w.row_mut(id as usize).scaled_add(-rate, &row);
        }
        Ok((loss / (n * t) as f64) as f32)
    }

    fn weights(&mut self) -> Result<Vec<f32>, Failure> {
        let matrices =
            [&self.embed_w, &self.wx, &self.wh, &self.affine_w].map(|w| w.iter().copied().collect::<Vec<_>>());
        let [embed_w, wx, wh, affine_w] = matrices;
        Ok([embed_w, wx, wh, self.b.to_vec(), affine_w, self.affine_b.to_vec()].concat())
    }
}
