"""Predicts one word after the other in PyTorch at V=10,000, D=H=100, and fails where that is faster than rnnlm.

    taskset -c 0 python3 benches/peers/python/predict_torch.py

runs `cargo bench --bench predict` and then the same in PyTorch, on the same core. PyTorch computes in two ways, and the
faster one counts: by the modules that a user would take, and by single operations on its tensors, which saves most of
what a call costs. Each takes the same steps as rnnlm: the hidden state is carried, the softmax done, three words listed
or one drawn; and each tells the median over single words, as that benchmark does.
"""
import os
import re
import statistics
import subprocess
import sys
import time

import torch
from torch import nn

torch.set_num_threads(1)
V, D, H = 10_000, 100, 100
WORDS = 3000
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), *[os.pardir] * 3)


class Modules(nn.Module):
    """nn.Embedding, nn.RNN, nn.Linear."""

    def __init__(self):
        super().__init__()
        self.embedding, self.rnn, self.linear = nn.Embedding(V, D), nn.RNN(D, H), nn.Linear(H, V)
        self.h = torch.zeros(1, 1, H)

    def forward(self, word):
        _, self.h = self.rnn(self.embedding(word).view(1, 1, D), self.h)
        return self.linear(self.h.view(H))


class Operations:
    """Matrix times vector, with the weights of the modules."""

    def __init__(self, modules):
        self.embedding, self.linear = modules.embedding.weight, modules.linear
        self.wx, self.wh, self.b = modules.rnn.weight_ih_l0, modules.rnn.weight_hh_l0, modules.rnn.bias_ih_l0
        self.h = torch.zeros(H)

    def __call__(self, word):
        z = torch.addmv(torch.addmv(self.b, self.wx, self.embedding[word]), self.wh, self.h)
        self.h = torch.tanh(z)
        return torch.addmv(self.linear.bias, self.linear.weight, self.h)


def top_3(logits):
    return torch.topk(torch.softmax(logits, 0), 3)[1][:1]


def sample(logits):
    return torch.multinomial(torch.softmax(logits, 0), 1)


def sample_at_08(logits):
    return torch.multinomial(torch.softmax(logits / 0.8, 0), 1)


def sample_of_40_at_08(logits):
    best, ids = torch.topk(torch.softmax(logits / 0.8, 0), 40)
    return ids[torch.multinomial(best, 1)]


WAYS = {"top 3": top_3, "sample": sample, "sample at 0.8": sample_at_08, "sample of 40 at 0.8": sample_of_40_at_08}


def microseconds(model, choose):
    """The median time of a word."""
    word, times = torch.tensor([1]), []
    for _ in range(WORDS):
        began = time.perf_counter()
        word = choose(model(word[0]))
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e6


def ours():
    """The median times of rnnlm by name."""
    command = ["cargo", "bench", "--bench", "predict"]
    said = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    print(said, end="")
    return {name.strip(): float(us) for name, us in re.findall(r"^(.{20}) +(\S+) us a word", said, re.MULTILINE)}


def main():
    torch.manual_seed(1)
    modules = Modules()
    rnnlm, is_slower = ours(), False
    print("PyTorch %s:" % torch.__version__)
    with torch.inference_mode():
        models = {"modules": modules, "operations": Operations(modules)}
        for name, choose in WAYS.items():
            theirs = {way: microseconds(model, choose) for way, model in models.items()}
            ratio = min(theirs.values()) / rnnlm[name]
            times = ", ".join("%8.1f us by %s" % (us, way) for way, us in theirs.items())
            print("%-20s %s: rnnlm is %.2f times as fast" % (name, times, ratio))
            is_slower |= ratio < 1
    return 1 if is_slower else 0


if __name__ == "__main__":
    sys.exit(main())
