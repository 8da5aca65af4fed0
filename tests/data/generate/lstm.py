"""Chapter 6's language model in float64: embedding, LSTM (stateful, truncated BPTT), affine, softmax with loss.

    z = x Wx + h Wh + b, its columns the gates in the book's order: forget f, candidate g, input i, output o
    f, i, o = sigmoid(z_f), sigmoid(z_i), sigmoid(z_o)      g = tanh(z_g)
    c = f * c_prev + g * i                                  h = o * tanh(c)

    python lstm.py check              central differences of every parameter
    python lstm.py golden OUT_DIR     a small run: initial weights, ids, losses, first gradients, final
                                      weights and states
    python lstm.py book WEIGHTS.safetensors ptb.train.txt ptb.test.txt
                                      the test perplexity of float16 weights with the crate's names, evaluated as the
                                      book does: N=10, T=35
"""
import json
import os
import struct
import sys

import numpy as np

NAMES = ["embed_W", "lstm_Wx", "lstm_Wh", "lstm_b", "affine_W", "affine_b"]


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def step(w, state, xs, ts, grads=True):
    """xs, ts (N,T). Gives the mean loss, the gradients by name and the state (h, c) behind the window."""
    h, c = state
    n, t = xs.shape
    hidden = h.shape[1]
    kept, hs = [], []
    for k in range(t):
        x = w["embed_W"][xs[:, k]]
        z = x @ w["lstm_Wx"] + h @ w["lstm_Wh"] + w["lstm_b"]
        f, g = sigmoid(z[:, :hidden]), np.tanh(z[:, hidden : 2 * hidden])
        i, o = sigmoid(z[:, 2 * hidden : 3 * hidden]), sigmoid(z[:, 3 * hidden :])
        c_next = f * c + g * i
        kept.append((x, h, c, f, g, i, o, c_next))
        h, c = o * np.tanh(c_next), c_next
        hs.append(h)
    logits = np.stack(hs, 1) @ w["affine_W"] + w["affine_b"]
    logits = logits - logits.max(-1, keepdims=True)
    logp = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    rows = np.arange(n)[:, None], np.arange(t)[None, :]
    loss = -logp[rows[0], rows[1], ts].mean()
    if not grads:
        return loss, None, (h, c)
    dlogits = np.exp(logp)
    dlogits[rows[0], rows[1], ts] -= 1
    dlogits /= n * t
    d = {k: np.zeros_like(w[k]) for k in NAMES}
    d["affine_W"] = np.einsum("nth,ntv->hv", np.stack(hs, 1), dlogits)
    d["affine_b"] = dlogits.sum((0, 1))
    dh_above = dlogits @ w["affine_W"].T
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    for k in reversed(range(t)):
        x, h_prev, c_prev, f, g, i, o, c_next = kept[k]
        dh = dh + dh_above[:, k]
        tanh_c = np.tanh(c_next)
        dc = dc + dh * o * (1 - tanh_c**2)
        dz_f, dz_g = dc * c_prev * f * (1 - f), dc * i * (1 - g**2)
        dz_i, dz_o = dc * g * i * (1 - i), dh * tanh_c * o * (1 - o)
        dz = np.hstack([dz_f, dz_g, dz_i, dz_o])
        d["lstm_Wx"] += x.T @ dz
        d["lstm_Wh"] += h_prev.T @ dz
        d["lstm_b"] += dz.sum(0)
        np.add.at(d["embed_W"], xs[:, k], dz @ w["lstm_Wx"].T)
        dh, dc = dz @ w["lstm_Wh"].T, dc * f
    return loss, d, (h, c)


def weights(rng, v, d, h):
    return {
        "embed_W": rng.standard_normal((v, d)) / 100,
        "lstm_Wx": rng.standard_normal((d, 4 * h)) / np.sqrt(d),
        "lstm_Wh": rng.standard_normal((h, 4 * h)) / np.sqrt(h),
        "lstm_b": np.zeros(4 * h),
        "affine_W": rng.standard_normal((h, v)) / np.sqrt(h),
        "affine_b": np.zeros(v),
    }


def check():
    rng = np.random.default_rng(3)
    v, dd, hh, n, t = 7, 3, 4, 2, 5
    w = weights(rng, v, dd, hh)
    w["embed_W"] *= 50
    xs, ts = rng.integers(0, v, (n, t)), rng.integers(0, v, (n, t))
    state = rng.standard_normal((n, hh)) / 2, rng.standard_normal((n, hh)) / 2
    _, grad, _ = step(w, state, xs, ts)
    worst = 0.0
    for name in NAMES:
        flat, g = w[name].reshape(-1), grad[name].reshape(-1)
        for k in range(flat.size):
            old, e = flat[k], 1e-6
            flat[k] = old + e
            up = step(w, state, xs, ts, False)[0]
            flat[k] = old - e
            down = step(w, state, xs, ts, False)[0]
            flat[k] = old
            worst = max(worst, abs((up - down) / (2 * e) - g[k]))
    print("largest difference of %d parameters: %.1e" % (sum(x.size for x in w.values()), worst))
    assert worst < 1e-8


def golden(out):
    rng = np.random.default_rng(11)
    v, dd, hh, n, t, steps, lr = 61, 19, 23, 3, 7, 40, 2.0
    w = {k: x.astype("<f4").astype("f8") for k, x in weights(rng, v, dd, hh).items()}
    # a text with a rule: each row reads on where it stood
    rule = np.array([(k * k + k // 3) % v for k in range(v)])
    text = np.concatenate([np.tile(rule, 3 + n * steps * t // v)])
    at = np.arange(n)[None, :, None] * 17 + np.arange(steps)[:, None, None] * t + np.arange(t)[None, None, :]
    xs, ts = text[at], text[at + 1]
    os.makedirs(out, exist_ok=True)
    for k in NAMES:
        w[k].astype("<f4").tofile(os.path.join(out, k + ".f32"))
    xs.astype("<u4").tofile(os.path.join(out, "xs.u32"))
    ts.astype("<u4").tofile(os.path.join(out, "ts.u32"))
    state, losses = (np.zeros((n, hh)), np.zeros((n, hh))), []
    for s in range(steps):
        loss, g, state = step(w, state, xs[s], ts[s])
        losses.append(loss)
        for k in NAMES:
            if s == 0:
                g[k].astype("<f8").tofile(os.path.join(out, "grad_" + k + ".f64"))
            w[k] -= lr * g[k]
    np.array(losses).astype("<f8").tofile(os.path.join(out, "losses.f64"))
    for k in NAMES:
        w[k].astype("<f8").tofile(os.path.join(out, "after_" + k + ".f64"))
    state[0].astype("<f8").tofile(os.path.join(out, "hidden.f64"))
    state[1].astype("<f8").tofile(os.path.join(out, "cell.f64"))
    with open(os.path.join(out, "shape.txt"), "w") as f:
        f.write("V %d\nD %d\nH %d\nN %d\nT %d\nsteps %d\nlr %g\n" % (v, dd, hh, n, t, steps, lr))
        f.write("xs, ts (steps,N,T); gates in columns f g i o\n")
    print("losses %.6f -> %.6f" % (losses[0], losses[-1]))


def book(weights_file, train, test):
    raw = open(weights_file, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    w = {}
    for name, entry in json.loads(raw[8 : 8 + size]).items():
        a, b = entry["data_offsets"]
        values = np.frombuffer(raw[8 + size + a : 8 + size + b], "<f2")
        w[name.replace(".", "_")] = values.reshape(entry["shape"]).astype("f8")
    ids = {}
    for word in open(train).read().replace("\n", " <eos> ").split():
        ids.setdefault(word, len(ids))
    corpus = [ids[x] for x in open(test).read().replace("\n", " <eos> ").split()]
    n, t = 10, 35
    jump, iters = (len(corpus) - 1) // n, (len(corpus) - 1) // (n * t)
    hidden = w["lstm_Wh"].shape[0]
    state, total = (np.zeros((n, hidden)), np.zeros((n, hidden))), 0.0
    corpus = np.array(corpus)
    for k in range(iters):
        at = np.arange(n)[:, None] * jump + k * t + np.arange(t)[None, :]
        loss, _, state = step(w, state, corpus[at], corpus[at + 1], False)
        total += loss
    print("V %d, test tokens %d: perplexity %.4f" % (len(ids), len(corpus), np.exp(total / iters)))


if __name__ == "__main__":
    {"check": check, "golden": golden, "book": book}[sys.argv[1]](*sys.argv[2:])
