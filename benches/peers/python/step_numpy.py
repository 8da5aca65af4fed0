"""NumPy: time-major, one product per weight, updates in place."""
import numpy as np

from serve import H, IS_LSTM, N, RATE, T, one_by_one, serve, weights, windows

parameters = weights()
embed_w, wx, wh, b, affine_w, affine_b = parameters
rate = np.float32(RATE)
inputs, targets = (np.ascontiguousarray(ids.swapaxes(1, 2)).reshape(len(ids), N * T) for ids in windows())
h, c = (np.zeros(((T + 1) * N, H), np.float32) for _ in range(2))
dz = np.empty((T * N, wh.shape[1]), np.float32)
tanh_c, dc = np.empty((T * N, H), np.float32), np.empty((N, H), np.float32)
# sigmoid x = tanh(x / 2) / 2 + 1 / 2, so that one tanh serves all gates
scale = np.repeat(np.float32([0.5, 1, 0.5, 0.5]), H)
offset = 1 - scale
every_row = np.arange(N * T)


def block(time):
    return slice(time * N, (time + 1) * N)


def rnn_forward(time, z):
    np.tanh(z, out=h[block(time + 1)])


def rnn_backward(time, dh, slope):
    np.multiply(dh, slope, out=dz[block(time)])


def lstm_forward(time, z):
    """z becomes the gates f, g, i, o."""
    z *= scale
    np.tanh(z, out=z)
    z *= scale
    z += offset
    f, g, i, o = np.split(z, 4, axis=1)
    c[block(time + 1)] = f * c[block(time)] + g * i
    np.tanh(c[block(time + 1)], out=tanh_c[block(time)])
    np.multiply(o, tanh_c[block(time)], out=h[block(time + 1)])


def lstm_backward(time, dh, gates):
    f, g, i, o = np.split(gates, 4, axis=1)
    df, dg, di, do = np.split(dz[block(time)], 4, axis=1)
    y = tanh_c[block(time)]
    d = dc + dh * o * (1 - y * y)
    np.multiply(d, f, out=dc)
    np.multiply(d * c[block(time)], f * (1 - f), out=df)
    np.multiply(d * i, 1 - g * g, out=dg)
    np.multiply(d * g, i * (1 - i), out=di)
    np.multiply(dh * y, o * (1 - o), out=do)


forward, backward = (lstm_forward, lstm_backward) if IS_LSTM else (rnn_forward, rnn_backward)


def step(i):
    xs, ts = inputs[i], targets[i]
    x = embed_w[xs]
    z = x @ wx
    z += b
    h[block(0)] = h[block(T)]
    c[block(0)] = c[block(T)]
    for time in range(T):
        z[block(time)] += h[block(time)] @ wh
        forward(time, z[block(time)])
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
    kept = z if IS_LSTM else 1 - current * current
    dc.fill(0)
    for time in reversed(range(T)):
        if time + 1 < T:
            dh[block(time)] += dz[block(time + 1)] @ wh.T
        backward(time, dh[block(time)], kept[block(time)])
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
