"""A training run of the example `ptb` again in PyTorch: same initial weights, batches, clipping, schedule and evaluation.

    R="--data folder --tokens 0 --batch 20 --time 35 --lr 5 --clip 0.25 --lr-decay 4"
    cargo run --release --example ptb -- $R --epochs 0 --save initial.safetensors
    cargo run --release --example ptb -- $R --load initial.safetensors --epochs 40 --csv ours.csv --save-best best.safetensors
    cargo run --release --example ptb -- --data folder --tokens 0 --load best.safetensors --epochs 0
    python compare_pytorch.py initial.safetensors $R --epochs 40 --csv torch.csv

The folder holds ptb.train.txt, ptb.valid.txt (which steers the rate and chooses the epoch) and ptb.test.txt (which steers
nothing). The weights come from a file of rnnlm, complete or bare, and with them D and H. The rules:
- tokens: split on white space, `<eos>` for each newline, ids by first appearance in the training text; words that it
  lacks become `<unk>`
- batches: row i of N starts at i * ((tokens - 1) // N), each step reads the next T of every row modulo tokens - 1, and
  neither the position nor the hidden state starts anew with an epoch; gradients stop at the start of a window
- loss: the mean over the N * T targets; gradients times max_norm / (norm + 1e-6) where that is below 1; plain SGD
- after each epoch the rate is divided by --lr-decay where the validation loss isn't below its best; the weights of the
  best epoch are those that are tested
- evaluation: zero state, one row, every token but the first predicted once

The CSV has the columns that `ptb` writes, and the rate. Needs numpy, safetensors and torch.
"""
import argparse
import copy
import math
import os
import time

import numpy as np
import torch
from torch import nn

from convert import read_rnnlm, to_torch


class Model(nn.Module):
    """embedding -> tanh RNN -> linear."""

    def __init__(self, v, d, h):
        super().__init__()
        self.embedding = nn.Embedding(v, d)
        self.rnn = nn.RNN(d, h, batch_first=True)
        self.linear = nn.Linear(h, v)
        # rnnlm has one bias; with two trained ones, the gradient would count twice
        self.rnn.bias_hh_l0.requires_grad_(False)

    def forward(self, ids, state=None):
        hidden, state = self.rnn(self.embedding(ids), state)
        return self.linear(hidden), state


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


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("initial")
    p.add_argument("--data", required=True, help="the folder")
    p.add_argument("--tokens", type=int, default=0, help="train on so many, 0 = all")
    p.add_argument("--epochs", type=int, default=40)
    p.add_argument("--batch", type=int, default=20)
    p.add_argument("--time", type=int, default=35)
    p.add_argument("--lr", type=float, default=5.0)
    p.add_argument("--clip", type=float, default=0.25)
    p.add_argument("--lr-decay", type=float, default=4.0)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--csv")
    a = p.parse_args()
    torch.set_num_threads(a.threads)

    def read(name):
        return tokens(os.path.join(a.data, name))

    words = read("ptb.train.txt")[:a.tokens or None]
    vocabulary = {}
    for word in words:
        vocabulary.setdefault(word, len(vocabulary))

    unk = vocabulary["<unk>"]
    ids = np.array([vocabulary[word] for word in words])
    valid, test = (torch.tensor([vocabulary.get(word, unk) for word in read("ptb.%s.txt" % name)]) for name in ("valid", "test"))
    lacking = [sum(word not in vocabulary for word in read("ptb.%s.txt" % name)) for name in ("valid", "test")]

    weights = read_rnnlm(a.initial)
    (v, d), h = weights["embed.W"].shape, len(weights["rnn.b"])
    if v != len(vocabulary):
        raise SystemExit("the file has %d words, the training text %d" % (v, len(vocabulary)))
    model = Model(v, d, h)
    model.load_state_dict({name: torch.from_numpy(x) for name, x in to_torch(weights).items()})
    parameters = [x for x in model.parameters() if x.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=a.lr)

    size = len(ids) - 1
    steps = size // (a.batch * a.time)
    starts = np.arange(a.batch)[:, None] * (size // a.batch)
    print("corpus size: %d, vocabulary size: %d" % (len(ids), v))
    for name, text, unknown in zip(("valid", "test"), (valid, test), lacking):
        print("%s size: %d, unknown words: %d" % (name, len(text), unknown), flush=True)
    rows = ["epoch,perplexity,valid,rate"]
    at, state, best, kept, seconds = 0, None, math.inf, None, 0.0
    for epoch in range(1, a.epochs + 1):
        total, began = 0.0, time.perf_counter()
        for _ in range(steps):
            where = (starts + at + np.arange(a.time)) % size
            at = (at + a.time) % size
            xs, ts = torch.from_numpy(ids[where]), torch.from_numpy(ids[where + 1])
            logits, state = model(xs, None if state is None else state.detach())
            loss = nn.functional.cross_entropy(logits.reshape(-1, v), ts.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            # PyTorch's rule is the same: max_norm / (norm + 1e-6), and only where it is below 1
            nn.utils.clip_grad_norm_(parameters, a.clip)
            optimizer.step()
            total += loss.item()
        seconds += time.perf_counter() - began
        rate = optimizer.param_groups[0]["lr"]
        held_out = evaluate(model, valid).mean().item()
        rows.append("%d,%r,%r,%r" % (epoch, math.exp(total / steps), math.exp(held_out), rate))
        print("| epoch %d | perplexity %.2f | valid %.2f | rate %g" % (
            epoch, math.exp(total / steps), math.exp(held_out), rate), flush=True)
        if held_out < best:
            best, kept = held_out, copy.deepcopy(model.state_dict())
        else:
            optimizer.param_groups[0]["lr"] = rate / a.lr_decay
    if kept is not None:
        model.load_state_dict(kept)
    losses, known = evaluate(model, test), test[1:] != unk
    print("test perplexity: %.2f (%.2f without <unk>, which %d of %d tokens are)" % (
        losses.mean().exp().item(), losses[known].mean().exp().item(), int((~known).sum()), len(known)))
    if seconds > 0:
        print("steps/s: %.2f" % (a.epochs * steps / seconds))
    if a.csv:
        with open(a.csv, "w", encoding="utf-8") as file:
            file.write("\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
