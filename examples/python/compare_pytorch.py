"""Trains with the example `ptb` and again in PyTorch, and fails where the test perplexities differ by more than 2%.

    python compare_pytorch.py --train ptb.valid.txt --valid ptb.train.head.txt --test ptb.test.txt

Both sides start from the same weights, which `ptb` draws and saves, and follow the same rules, written down twice, in
`ptb` and below:
- tokens: split on white space, `<eos>` for each newline, ids by first appearance in the training text; words that it
  lacks become `<unk>`
- batches: row i of N starts at i * ((tokens - 1) // N), each step reads the next T of every row modulo tokens - 1, and
  neither the position nor the hidden state starts anew with an epoch; gradients stop at the start of a window
- loss: the mean over the N * T targets; gradients times max_norm / (norm + 1e-6) where that is below 1; plain SGD
- after each epoch the rate is divided by --lr-decay where the valid loss isn't below its best, and from --decay-from on
  anyway; the weights of the best epoch are those that are tested. The test text steers nothing
- evaluation: zero state, one row, every token but the first predicted once

The two round differently, and what it may decide is in which epoch the valid loss isn't below its best, and so when the
rate is divided. At a rate of 5 the training is rough: the valid loss leaps by more than it gains in an epoch, a
difference in the last place grows until one run keeps its rate at such a leap and the other doesn't, and after 40
epochs they are 4% apart, a figure that tells nothing of either. At a rate of 2 it begins: they are 1% apart after 8
epochs. At a rate of 1 the two agree to 0.03% in every epoch, so whatever differs by more than 2% is a difference in the
rules. By default three rates up to it are run, a factor of two apart each, and every pair must agree.

As a check of its own, PyTorch evaluates the best weights of `ptb` as well: the same weights must have the same
perplexity.

Needs numpy, safetensors and torch, and cargo or a `ptb` named by --ptb. The real texts are those of
examples/ptb-data.sh; the valid text of the figures in README is `head -c 66083 ptb.train.txt`, as the training text is
the valid one there.
"""
import argparse
import copy
import math
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from torch import nn

from convert import read_rnnlm, to_torch

ALLOWED = 0.02
# both evaluations round, and ptb prints two decimals
ALLOWED_FOR_THE_SAME_WEIGHTS = 1e-4
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


class Model(nn.Module):
    """embedding -> tanh RNN or LSTM, as the weights are -> linear."""

    def __init__(self, weights):
        super().__init__()
        (v, d), h = weights["embed.W"].shape, len(weights["affine.W"])
        self.embedding = nn.Embedding(v, d)
        self.rnn = (nn.LSTM if "lstm.Wh" in weights else nn.RNN)(d, h, batch_first=True)
        self.linear = nn.Linear(h, v)
        self.load_state_dict({name: torch.from_numpy(x) for name, x in to_torch(weights).items()})
        # rnnlm has one bias; with two trained ones, the gradient would count twice
        self.rnn.bias_hh_l0.requires_grad_(False)

    def forward(self, ids, state=None):
        hidden, state = self.rnn(self.embedding(ids), state)
        return self.linear(hidden), state


class Texts:
    """The three texts in the ids of the training text."""

    def __init__(self, train, valid, test):
        words = tokens(train)
        vocabulary = {}
        for word in words:
            vocabulary.setdefault(word, len(vocabulary))
        self.size, self.unk = len(vocabulary), vocabulary["<unk>"]
        self.train = np.array([vocabulary[word] for word in words])
        self.valid, self.test = (
            torch.tensor([vocabulary.get(word, self.unk) for word in tokens(path)]) for path in (valid, test))
        self.lacking = sum(word not in vocabulary for word in tokens(test))
        self.unknown = int((self.test[1:] == self.unk).sum())


def tokens(path):
    with open(path, encoding="utf-8") as file:
        return file.read().replace("\n", " <eos> ").split()


def evaluate(model, ids, chunk=700):
    """The loss of every token but the first."""
    losses, state = [], None
    with torch.inference_mode():
        for at in range(0, len(ids) - 1, chunk):
            targets = ids[at + 1:at + 1 + chunk]
            logits, state = model(ids[None, at:at + len(targets)], state)
            losses.append(nn.functional.cross_entropy(logits[0], targets, reduction="none"))
    return torch.cat(losses).double()


def perplexities(model, texts):
    """Of the test text: of all tokens, and without <unk>."""
    losses = evaluate(model, texts.test)
    return losses.mean().exp().item(), losses[texts.test[1:] != texts.unk].mean().exp().item()


def detached(state):
    """The hidden state, or both states of an LSTM, without what they were computed from."""
    if isinstance(state, tuple):
        return tuple(part.detach() for part in state)
    return None if state is None else state.detach()


def train_pytorch(model, texts, rate, a):
    """A list of (training perplexity, valid perplexity, rate) per epoch; the model is then that of the best one."""
    ids = texts.train
    parameters = [x for x in model.parameters() if x.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=rate)
    size = len(ids) - 1
    steps = size // (a.batch * a.time)
    starts = np.arange(a.batch)[:, None] * (size // a.batch)
    rows, at, state, best, kept = [], 0, None, math.inf, None
    for epoch in range(1, a.epochs + 1):
        total = 0.0
        for _ in range(steps):
            where = (starts + at + np.arange(a.time)) % size
            at = (at + a.time) % size
            xs, ts = torch.from_numpy(ids[where]), torch.from_numpy(ids[where + 1])
            logits, state = model(xs, detached(state))
            loss = nn.functional.cross_entropy(logits.reshape(-1, texts.size), ts.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            # PyTorch's rule is the same: max_norm / (norm + 1e-6), and only where it is below 1
            nn.utils.clip_grad_norm_(parameters, a.clip)
            optimizer.step()
            total += loss.item()
        rate = optimizer.param_groups[0]["lr"]
        held_out = evaluate(model, texts.valid).mean().item()
        rows.append((math.exp(total / steps), math.exp(held_out), rate))
        improved = held_out < best
        if improved:
            best, kept = held_out, copy.deepcopy(model.state_dict())
        if not improved or epoch >= a.decay_from:
            optimizer.param_groups[0]["lr"] = rate / a.lr_decay
    if kept is not None:
        model.load_state_dict(kept)
    return rows


def train_ptb(folder, rate, seed, a):
    """A list of (training perplexity, valid perplexity) per epoch, and the two test perplexities that `ptb` prints."""
    def ptb(*arguments):
        run = subprocess.run([a.ptb, "--data", folder, "--tokens", "0", *map(str, arguments)], cwd=folder,
                             capture_output=True, encoding="utf-8", check=False)
        if run.returncode:
            raise SystemExit("ptb failed: " + run.stderr)
        return run.stdout

    ptb("--cell", a.cell, "--seed", seed, "--batch", a.batch, "--time", a.time, "--wordvec", a.wordvec,
        "--hidden", a.hidden, "--lr", rate, "--clip", a.clip, "--lr-decay", a.lr_decay, "--epochs", 0,
        "--save", "initial.safetensors")
    decay_from = [] if a.decay_from == math.inf else ["--decay-from", a.decay_from]
    ptb("--load", "initial.safetensors", *decay_from, "--epochs", a.epochs, "--csv", "ours.csv",
        "--save-best", "best.safetensors")
    said = ptb("--load", "best.safetensors", "--epochs", 0)
    with open(os.path.join(folder, "ours.csv"), encoding="utf-8") as file:
        rows = [tuple(map(float, line.split(",")[1:3])) for line in file.read().splitlines()[1:]]
    found = re.search(r"^test perplexity: (\S+) \((\S+) without <unk>", said, re.MULTILINE)
    return rows, (float(found[1]), float(found[2]))


def best_epoch(rows):
    """Counted from 1."""
    return 1 + min(range(len(rows)), key=lambda epoch: rows[epoch][1])


def compare(texts, folder, seed, rate, a):
    """Runs both, prints a line, and tells whether they agree."""
    began = time.perf_counter()
    ours, (all_ours, known_ours) = train_ptb(folder, rate, seed, a)
    middle = time.perf_counter()
    model = Model(read_rnnlm(os.path.join(folder, "initial.safetensors")))
    theirs = train_pytorch(model, texts, rate, a)
    ended = time.perf_counter()
    all_theirs, known_theirs = perplexities(model, texts)
    ratio, known_ratio = all_ours / all_theirs, known_ours / known_theirs
    print("| %4d | %4g | %6.2f (%6.2f), %5d | %6.2f (%6.2f), %5d | %.4f (%.4f) | %4.0f s, %4.0f s |" % (
        seed, rate, all_ours, known_ours, best_epoch(ours), all_theirs, known_theirs, best_epoch(theirs), ratio,
        known_ratio, middle - began, ended - middle), flush=True)
    if a.verbose:
        for epoch, (row, other) in enumerate(zip(ours, theirs), 1):
            print("    epoch %2d  rnnlm %.2f, valid %.2f  PyTorch %.2f, valid %.2f, rate %g" % (epoch, *row, *other))
    again = perplexities(Model(read_rnnlm(os.path.join(folder, "best.safetensors"))), texts)
    wrong = [
        "%s %.2f against %.2f" % (what, x, y)
        for what, x, y, allowed in [
            ("test perplexity", all_ours, all_theirs, ALLOWED),
            ("without <unk>", known_ours, known_theirs, ALLOWED),
            ("the weights of ptb, evaluated by both:", all_ours, again[0], ALLOWED_FOR_THE_SAME_WEIGHTS),
            ("the same without <unk>", known_ours, again[1], ALLOWED_FOR_THE_SAME_WEIGHTS),
        ]
        # written so that NaN is wrong
        if not abs(x / y - 1) <= allowed
    ]
    for line in wrong:
        print("DIFFERS, seed %d, rate %g: %s" % (seed, rate, line), file=sys.stderr)
    return not wrong


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--train", required=True, help="the text to train on")
    p.add_argument("--valid", required=True, help="the text that steers the rate and chooses the epoch")
    p.add_argument("--test", required=True)
    p.add_argument("--cell", choices=["rnn", "lstm"], default="rnn")
    p.add_argument("--lr", type=float, nargs="+", default=[0.25, 0.5, 1.0])
    p.add_argument("--seed", type=int, nargs="+", default=[1])
    p.add_argument("--epochs", type=int, default=25)
    p.add_argument("--wordvec", type=int, default=100)
    p.add_argument("--hidden", type=int, default=100)
    p.add_argument("--batch", type=int, default=20)
    p.add_argument("--time", type=int, default=35)
    p.add_argument("--clip", type=float, default=0.25)
    p.add_argument("--lr-decay", type=float, default=4.0)
    p.add_argument("--decay-from", type=int, default=math.inf,
                   help="divide the rate after every epoch from this one on")
    p.add_argument("--threads", type=int, default=1, help="of PyTorch")
    p.add_argument("--ptb", help="the example, built; else cargo builds it")
    p.add_argument("--verbose", action="store_true", help="show every epoch")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    if a.ptb is None:
        subprocess.run(["cargo", "build", "--release", "--example", "ptb"], cwd=ROOT, check=True)
        a.ptb = os.path.join(ROOT, "target", "release", "examples", "ptb")
    a.ptb = os.path.abspath(a.ptb)

    texts = Texts(a.train, a.valid, a.test)
    print("corpus size: %d, vocabulary size: %d" % (len(texts.train), texts.size))
    print("test size: %d, unknown words: %d, <unk> in all: %d" % (len(texts.test), texts.lacking, texts.unknown))
    print("| seed | rate | rnnlm (no <unk>), epoch | PyTorch, epoch          | ratio           | training       |")
    with tempfile.TemporaryDirectory() as folder:
        for name, path in ("train", a.train), ("valid", a.valid), ("test", a.test):
            os.symlink(os.path.abspath(path), os.path.join(folder, "ptb.%s.txt" % name))
        good = [compare(texts, folder, seed, rate, a) for seed in a.seed for rate in a.lr]
    print("%d of %d pairs agree to %g%%" % (sum(good), len(good), 100 * ALLOWED))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
