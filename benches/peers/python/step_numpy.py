"""NumPy: time-major, one product per weight, updates in place."""
import numpy as np

from serve import N, RATE, T, one_by_one, serve, weights, windows

parameters = weights()
embed_w, wx, wh, b, affine_w, affine_b = parameters
rate = np.float32(RATE)
inputs, targets = (np.ascontiguousarray(ids.swapaxes(1, 2)).reshape(len(ids), N * T) for ids in windows())
h = np.zeros(((T + 1) * N, len(wh)), np.float32)
dz = np.empty((T * N, len(wh)), np.float32)
every_row = np.arange(N * T)


def block(time):
    return slice(time * N, (time + 1) * N)


def step(i):
    xs, ts = inputs[i], targets[i]
    x = embed_w[xs]
    z = x @ wx
    z += b
    h[block(0)] = h[block(T)]
    for time in range(T):
        z[block(time)] += h[block(time)] @ wh
        np.tanh(z[block(time)], out=h[block(time + 1)])
    current = h[N:]
    logits = current @ affine_w
    logits += affine_b
    logits -= logits.max(axis=1, keepdims=True)
    of_targets = logits[every_row, ts]
    np.exp(logits, out=logits)
    sums = logits.sum(axis=1, keepdims=True)
    loss = (np.log(sums[:, 0]) - of_targets).mean()

    logits /= sums * np.float32(N * T)
    logits[every_row, ts] -= np.float32(1 / (N * T))
    dh = logits @ affine_w.T
    slope = 1 - current * current
    for time in reversed(range(T)):
        if time + 1 < T:
            dh[block(time)] += dz[block(time + 1)] @ wh.T
        np.multiply(dh[block(time)], slope[block(time)], out=dz[block(time)])
    dx = dz @ wx.T
    for weight, gradient in (
        (affine_w, current.T @ logits),
        (affine_b, logits.sum(axis=0)),
        (wh, h[: T * N].T @ dz),
        (wx, x.T @ dz),
        (b, dz.sum(axis=0)),
    ):
        gradient *= rate
        weight -= gradient
    dx *= rate
    np.subtract.at(embed_w, xs, dx)
    return loss


serve(one_by_one(step, len(inputs)), lambda: parameters, f"NumPy {np.__version__}")
