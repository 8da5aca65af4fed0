"""Float64 NumPy reference of one SimpleRnnlm training run, written from the equations.

Writes golden data for tests: initial weights, token ids, the loss of every step, and the
weights after the last step. Everything is computed in float64; only the initial weights
are rounded to float32 first, so a float32 implementation starts from the very same numbers.

    python tests/data/generate/reference.py tests/data/golden/small \\
        --vocab 53 --wordvec 7 --hidden 11 --batch 3 --time 4 --steps 40 --lr 0.5 --seed 1

Files in OUT_DIR (raw little-endian, row-major, no header; shapes in shape.txt):
    embed_W.f32 (V,D)  rnn_Wx.f32 (D,H)  rnn_Wh.f32 (H,H)  rnn_b.f32 (H)  affine_W.f32 (H,V)  affine_b.f32 (V)
    xs.u32, ts.u32     (steps, N, T) inputs and targets, batch-major as the model takes them
    losses.f64         (steps) mean cross-entropy in nats over the N*T tokens of each step, before that step's update
    grad_*.f64         gradients of the FIRST step, same shapes as the weights
    after_*.f64        weights after the last step
    hidden.f64         (N,H) the carried hidden state after the last step
The hidden state starts at zero, is carried from step to step, and no gradient flows through the carry
(truncated BPTT over T). The float64 results may differ in their last bits with another BLAS; inputs do not.
"""
import argparse
import os

import numpy as np

NAMES = ["embed_W", "rnn_Wx", "rnn_Wh", "rnn_b", "affine_W", "affine_b"]


def init(rng, V, D, H):
    """Book initialisation: N(0, 0.01^2) embedding, Xavier N(0, 1/fan_in) weights; biases drawn
    non-zero here so that a forgotten bias shows."""
    w = {
        "embed_W": rng.standard_normal((V, D)) / 100,
        "rnn_Wx": rng.standard_normal((D, H)) / np.sqrt(D),
        "rnn_Wh": rng.standard_normal((H, H)) / np.sqrt(H),
        "rnn_b": rng.standard_normal(H) / 10,
        "affine_W": rng.standard_normal((H, V)) / np.sqrt(H),
        "affine_b": rng.standard_normal(V) / 10,
    }
    return {k: v.astype(np.float32).astype(np.float64) for k, v in w.items()}


def step(w, h0, xs, ts):
    """One forward and backward pass, in the precision of w and h0. xs, ts: (N,T) ids. Returns (loss, grads, h_T)."""
    N, T = xs.shape
    H = w["rnn_Wh"].shape[0]
    V = w["affine_W"].shape[1]
    x = w["embed_W"][xs]                                # (N,T,D)
    h = np.empty((T + 1, N, H), h0.dtype)
    h[0] = h0
    for t in range(T):
        h[t + 1] = np.tanh(h[t] @ w["rnn_Wh"] + x[:, t] @ w["rnn_Wx"] + w["rnn_b"])
    hs = h[1:].transpose(1, 0, 2)                       # (N,T,H)
    logits = hs @ w["affine_W"] + w["affine_b"]         # (N,T,V)
    logits = logits - logits.max(axis=2, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
    n, t = np.indices((N, T))
    loss = -logp[n, t, ts].mean()

    d_logits = np.exp(logp)
    d_logits[n, t, ts] -= 1
    d_logits /= N * T
    g = {
        "affine_W": hs.reshape(N * T, H).T @ d_logits.reshape(N * T, V),
        "affine_b": d_logits.sum(axis=(0, 1)),
        "rnn_Wx": np.zeros_like(w["rnn_Wx"]),
        "rnn_Wh": np.zeros_like(w["rnn_Wh"]),
        "rnn_b": np.zeros_like(w["rnn_b"]),
        "embed_W": np.zeros_like(w["embed_W"]),
    }
    d_hs = d_logits @ w["affine_W"].T
    d_h = np.zeros_like(h0)
    for t in reversed(range(T)):
        d_a = (d_hs[:, t] + d_h) * (1 - h[t + 1] ** 2)
        g["rnn_b"] += d_a.sum(axis=0)
        g["rnn_Wh"] += h[t].T @ d_a
        g["rnn_Wx"] += x[:, t].T @ d_a
        np.add.at(g["embed_W"], xs[:, t], d_a @ w["rnn_Wx"].T)
        d_h = d_a @ w["rnn_Wh"].T
    return loss, g, h[T]


def main():
    p = argparse.ArgumentParser()
    p.add_argument("out")
    p.add_argument("--vocab", type=int, default=53)
    p.add_argument("--wordvec", type=int, default=7)
    p.add_argument("--hidden", type=int, default=11)
    p.add_argument("--batch", type=int, default=3)
    p.add_argument("--time", type=int, default=4)
    p.add_argument("--steps", type=int, default=40)
    p.add_argument("--lr", type=float, default=0.5)
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    rng = np.random.default_rng(a.seed)
    w = init(rng, a.vocab, a.wordvec, a.hidden)
    shape = (a.steps, a.batch, a.time)
    # a repeating pattern with noise, so that there is something to learn; a few ids repeat within one batch
    base = rng.integers(0, a.vocab, size=shape[1] * shape[2])
    xs = np.broadcast_to(base.reshape(1, a.batch, a.time), shape).copy()
    noise = rng.random(shape) < 0.3
    xs[noise] = rng.integers(0, a.vocab, size=noise.sum())
    ts = (xs * 5 + 3) % a.vocab
    os.makedirs(a.out, exist_ok=True)

    def put(name, array, kind):
        array.astype(kind).tofile(os.path.join(a.out, name))

    for k in NAMES:
        put(k + ".f32", w[k], "<f4")
    put("xs.u32", xs, "<u4")
    put("ts.u32", ts, "<u4")
    h = np.zeros((a.batch, a.hidden))
    losses = []
    for s in range(a.steps):
        loss, g, h = step(w, h, xs[s], ts[s])
        losses.append(loss)
        if s == 0:
            for k in NAMES:
                put("grad_" + k + ".f64", g[k], "<f8")
        for k in NAMES:
            w[k] -= a.lr * g[k]
    put("losses.f64", np.array(losses), "<f8")
    put("hidden.f64", h, "<f8")
    for k in NAMES:
        put("after_" + k + ".f64", w[k], "<f8")
    with open(os.path.join(a.out, "shape.txt"), "w") as f:
        f.write("vocab %d\nwordvec %d\nhidden %d\nbatch %d\ntime %d\nsteps %d\nlr %r\nseed %d\n" % (
            a.vocab, a.wordvec, a.hidden, a.batch, a.time, a.steps, a.lr, a.seed))
    print("loss %.6f -> %.6f" % (losses[0], losses[-1]))


if __name__ == "__main__":
    main()
