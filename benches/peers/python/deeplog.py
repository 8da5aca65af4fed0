"""DeepLog's recipe (Du et al., CCS 2017) in PyTorch, on the folds of `events proof`, with its figures.

    python3 benches/peers/python/deeplog.py DIR --seeds 1 --folds 1

Two LSTM layers of 64, the last 10 keys, Adam, cross-entropy; a session is odd where one of its keys is not among the 9
likeliest. Keys are one-hot vectors, as in the paper; session start and end are one more key, so that short sessions
have a window and a missing end counts; a key that training lacks is odd. Equal windows of a fold are computed once and
counted as often as they occur: an epoch has all of them.

Beside the published 9 it prints the smallest number of candidates that flags no more of the sessions trained on than
the wished rate: a choice from normal data, as the detector's threshold is.
"""
import argparse
import collections
import pathlib
import time

import torch
from torch import nn

FOLDS, ALL_NORMAL, WINDOW, HIDDEN, CANDIDATES = 5, 553_366, 10, 64, 9
MASK = 2**64 - 1


class Xorshift:
    """rnnlm's generator, so that the folds are the same."""

    def __init__(self, seed):
        x = (seed + 0x9E3779B97F4A7C15) & MASK
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
        x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
        self.state = x ^ x >> 31

    def below(self, bound):
        x = self.state
        x ^= x >> 12
        x = (x ^ x << 25) & MASK
        self.state = x = x ^ x >> 27
        return ((x * 2685821657736338717 & MASK) >> 32) * bound >> 32


def shuffled(items, seed):
    items, rng = list(items), Xorshift(seed)
    for i in range(len(items) - 1, 0, -1):
        j = rng.below(i + 1)
        items[i], items[j] = items[j], items[i]
    return items


def windows(session, mark):
    """The last WINDOW keys in front of each key, and the key; the end is one."""
    padded = [mark] * WINDOW + session + [mark]
    return [(tuple(padded[i : i + WINDOW]), padded[i + WINDOW]) for i in range(len(session) + 1)]


class DeepLog(nn.Module):
    def __init__(self, keys):
        super().__init__()
        self.keys = keys
        self.lstm = nn.LSTM(keys, HIDDEN, num_layers=2, batch_first=True)
        self.linear = nn.Linear(HIDDEN, keys)

    def forward(self, windows):
        one_hot = nn.functional.one_hot(windows, self.keys).float()
        return self.linear(self.lstm(one_hot)[0][:, -1])


def train(counted, keys, options):
    """`counted` tells for each window with its next key how often it occurs."""
    torch.manual_seed(options.seed)
    model = DeepLog(keys)
    xs = torch.tensor([window for window, _ in counted])
    ts = torch.tensor([key for _, key in counted])
    weights = torch.tensor([float(count) for count in counted.values()])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    # as many keys a step as the published code has, on average
    steps = max(1, round(weights.sum().item() / options.batch))
    for _ in range(options.epochs):
        for part in torch.randperm(len(xs)).tensor_split(min(steps, len(xs))):
            losses = nn.functional.cross_entropy(model(xs[part]), ts[part], reduction="none")
            loss = (losses * weights[part]).sum() * steps / weights.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return model


@torch.no_grad()
def worst_ranks(model, sessions, mark):
    """Of each session the largest rank, from 0, of its keys."""
    distinct = list(dict.fromkeys(pair for session in sessions for pair in windows(session, mark)))
    ranks = {}
    for at in range(0, len(distinct), 4096):
        part = distinct[at : at + 4096]
        logits = model(torch.tensor([window for window, _ in part]))
        own = logits.gather(1, torch.tensor([[key] for _, key in part]))
        ranks.update(zip(part, (logits > own).sum(1).tolist()))
    return [max(ranks[pair] for pair in windows(session, mark)) for session in sessions]


def figures(false_alarms, normal, recall, abnormal):
    wrong, found = false_alarms / normal * ALL_NORMAL, recall * abnormal
    return found / (found + wrong) if found else 0.0, 2 * found / (found + wrong + abnormal)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path, help="of hdfs_train.txt and hdfs_test_abnormal.txt")
    parser.add_argument("--seeds", type=int, default=1, help="deals, from 11 on")
    parser.add_argument("--folds", type=int, default=FOLDS, help="of each deal the first so many")
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--batch", type=int, default=2048, help="keys a step, on average")
    parser.add_argument("--rate", type=float, default=0.001, help="wished share of false alarms")
    options = parser.parse_args()
    torch.set_num_threads(1)
    read = lambda name: [line.split() for line in (options.directory / name).read_text().splitlines() if line.strip()]
    normal, abnormal = read("hdfs_train.txt"), collections.Counter(map(tuple, read("hdfs_test_abnormal.txt")))
    total = sum(abnormal.values())
    pooled = collections.defaultdict(lambda: [0, 0.0])
    judged = detectors = 0
    for seed in range(11, 11 + options.seeds):
        deal = shuffled(normal, seed)
        for fold in range(min(options.folds, FOLDS)):
            options.seed = 100 * seed + fold
            training, held = [s for i, s in enumerate(deal) if i % FOLDS != fold], deal[fold::FOLDS]
            ids = {key: i for i, key in enumerate(dict.fromkeys(key for session in training for key in session))}
            mark = len(ids)
            encode = lambda sessions: [[ids[key] for key in session] for session in sessions]
            known = lambda session: all(key in ids for key in session)
            started = time.perf_counter()
            counted = collections.Counter(pair for session in encode(training) for pair in windows(session, mark))
            model = train(counted, mark + 1, options)
            seconds = time.perf_counter() - started

            own = worst_ranks(model, encode(training), mark)
            allowed = options.rate * len(training)
            chosen = next(g for g in range(mark + 2) if sum(rank >= g for rank in own) <= allowed)
            held_ranks = worst_ranks(model, encode(filter(known, held)), mark)
            kinds = list(filter(known, abnormal))
            kind_ranks = worst_ranks(model, encode(kinds), mark)
            for name, g in [("published", CANDIDATES), ("from normal data", chosen)]:
                new = sum(not known(session) for session in held)
                pooled[name][0] += new + sum(rank >= g for rank in held_ranks)
                missed = sum(abnormal[kind] for kind, rank in zip(kinds, kind_ranks) if rank < g)
                pooled[name][1] += 1 - missed / total
            judged, detectors = judged + len(held), detectors + 1
            parameters = sum(p.numel() for p in model.parameters())
            print(f"seed {seed} fold {fold}: {parameters} parameters, {len(counted)} different windows, "
                  f"{options.epochs} epochs in {seconds:.0f} s, {chosen} candidates from normal data", flush=True)
    for name, (false_alarms, recall) in pooled.items():
        recall /= detectors
        precision, f1 = figures(false_alarms, judged, recall, total)
        print(f"candidates {name}: false alarms {false_alarms} of {judged}, recall {recall:.4f}, "
              f"precision {precision:.4f}, F1 {f1:.4f}")


if __name__ == "__main__":
    main()
