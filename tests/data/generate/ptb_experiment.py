"""The book-size experiment on real text, in float64 (or float32 with --f32): the first 1000 tokens of the PTB
training text, V=418, D=H=100, N=10, T=5, lr 0.1, 100 epochs of 19 steps. Writes the initial weights and the
perplexity of every epoch (exp of the mean of the step losses of that epoch).

    python tests/data/generate/ptb_experiment.py ptb.train.txt tests/data/golden/ptb1000 --seed 1

Batches: data_size = 999 input/target pairs; row i starts at i * (data_size // N) and every step reads the next T
positions of each row, modulo data_size; the read position runs on over the epochs and never restarts.
"""
import argparse
import os

import numpy as np

from reference import NAMES, step


def main():
    p = argparse.ArgumentParser()
    p.add_argument("text")
    p.add_argument("out")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--epochs", type=int, default=100)
    p.add_argument("--f32", action="store_true")
    a = p.parse_args()
    words = open(a.text).read().replace("\n", "<eos>").strip().split()[:1000]
    ids = {}
    corpus = np.array([ids.setdefault(x, len(ids)) for x in words])
    V, D, H, N, T, lr = len(ids), 100, 100, 10, 5, 0.1
    assert V == 418, V
    rng = np.random.default_rng(a.seed)
    w = {
        "embed_W": rng.standard_normal((V, D)) / 100,
        "rnn_Wx": rng.standard_normal((D, H)) / np.sqrt(D),
        "rnn_Wh": rng.standard_normal((H, H)) / np.sqrt(H),
        "rnn_b": np.zeros(H),
        "affine_W": rng.standard_normal((H, V)) / np.sqrt(H),
        "affine_b": np.zeros(V),
    }
    os.makedirs(a.out, exist_ok=True)
    for k in NAMES:
        w[k] = w[k].astype(np.float32)
        w[k].astype("<f4").tofile(os.path.join(a.out, k + ".f32"))
        if not a.f32:
            w[k] = w[k].astype(np.float64)
    corpus.astype("<u4").tofile(os.path.join(a.out, "corpus.u32"))
    xs, ts = corpus[:-1], corpus[1:]
    size = len(xs)
    starts = np.arange(N) * (size // N)
    steps = size // (N * T)
    at, h, out = 0, np.zeros((N, H)), []
    for _ in range(a.epochs):
        total = 0.0
        for _ in range(steps):
            where = (starts[:, None] + at + np.arange(T)[None, :]) % size
            loss, g, h = step(w, h, xs[where], ts[where])
            at += T
            total += loss
            for k in NAMES:
                w[k] -= w[k].dtype.type(lr) * g[k].astype(w[k].dtype)
        out.append(float(np.exp(total / steps)))
    np.array(out).astype("<f8").tofile(os.path.join(a.out, "perplexity.f64"))
    for e in (1, 2, 10, 20, 50, 80, 100):
        if e <= len(out):
            print("epoch %3d perplexity %.6f" % (e, out[e - 1]))


if __name__ == "__main__":
    main()
