"""Trains the models of `benches/results.md` and prints its table, so that anyone can repeat it.

    python3 results.py --ptb ../../data                        the Penn Treebank, fetched by examples/ptb-data.sh
    python3 results.py --brown FOLDER                          the Brown corpus, cut by brown.py
    python3 results.py --built-in                              the text that the example makes up itself
    python3 results.py --ptb ../../data --cell rnn lstm        an LSTM too
    python3 results.py ... --kneser-ney --pytorch              and the models to compare with, on the same texts

The test text steers nothing: rates and epoch are chosen by the valid text. A row tells the perplexity of all tokens of
the test text but the first, the same without `<unk>`, how often the next word is the likeliest one and among the
three likeliest, how many words of the test text the vocabulary lacks, the time for training, and the SHA-256 of the
six weights, which is the same on every machine. Needs cargo, or a `ptb` named by --example; PyTorch's rows need torch
and numpy.
"""
import argparse
import hashlib
import json
import math
import os
import re
import struct
import subprocess
import sys
import tempfile
import time

import kneser_ney

HERE = os.path.dirname(os.path.abspath(__file__))
# with the name of the cell, rnn or lstm
WEIGHTS = ["embed.W", "%s.Wx", "%s.Wh", "%s.b", "affine.W", "affine.b"]

WINDOWS = "--wordvec 100 --hidden 100 --batch 20 --time 35 --clip 0.25 --lr-decay 1"
LSTM = "--cell lstm --vocab 0 --wordvec 100 --hidden 100 --batch 20 --time 35 --clip 0.25"
# Flags of the example, and then what each rate of the schedule trains: (rate, epochs in all). Chosen on the valid text.
RECIPES = {
    "ptb": ("--vocab 0 " + WINDOWS, [(6, 8), (3, 9), (1.5, 10), (0.75, 11), (0.4, 12), (0.2, 13), (0.1, 14)]),
    "ptb-lstm": (LSTM + " --lr-decay 4 --decay-from 3", [(20, 5)]),
    "brown": ("--vocab 16000 " + WINDOWS, [(6, 5), (3, 6)]),
    "built-in": ("--tokens 200000", [(0.2, 5), (0.1, 7), (0.05, 9), (0.025, 11)]),
}
# the recipes that PyTorch repeats, and by what
PYTORCH = {"ptb": "PyTorch nn.RNN", "ptb-lstm": "PyTorch nn.LSTM"}


def weights_hash(path):
    """The SHA-256 of the six weights, as they stand in the file."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    digest = hashlib.sha256()
    cell = "lstm" if "lstm.Wx" in header else "rnn"
    for name in WEIGHTS:
        begin, end = header[name.replace("%s", cell)]["data_offsets"]
        digest.update(data[begin:end])
    return digest.hexdigest()


def train(example, name, texts, folder):
    """Trains by the recipe and judges the best epoch. Gives the cells of a row, and for each epoch the perplexities."""
    last, best = (os.path.join(folder, name + end) for end in (".last.safetensors", ".best.safetensors"))
    where = []
    if texts is not None:
        where = ["--data", texts["train"], "--tokens", "0", "--valid", texts["valid"], "--test", texts["test"]]

    def ptb(*flags):
        print("  ptb " + " ".join(flags), file=sys.stderr, flush=True)
        run = subprocess.run([example, *where, *flags], cwd=folder, capture_output=True, encoding="utf-8", check=False)
        if run.returncode:
            sys.exit("ptb failed: " + run.stderr)
        return run.stdout

    flags, schedule = RECIPES[name]
    began, said = time.perf_counter(), ""
    for rate, epochs in schedule:
        start = ["--load", last] if said else flags.split()
        said += ptb(*start, "--lr", str(rate), "--epochs", str(epochs), "--save", last, "--save-best", best)
    seconds = time.perf_counter() - began
    judged = ptb("--load", best, "--epochs", "0")
    held_out = "valid" if texts is None else "test"

    def found(pattern, text=judged):
        match = re.search("^" + held_out + pattern, text, re.MULTILINE)
        return match.groups() if match else ("",)

    all_words, known = found(r" perplexity: (\S+)"), found(r" perplexity: \S+ \((\S+) without <unk>")
    recall, unknown = found(r" recall at 1, 3[^:]*: (\S+) (\S+)"), found(r" size: \d+, unknown words: (\d+)")
    cells = [*all_words, *known, *recall, *unknown, "%.0f s" % seconds, "`%s`" % weights_hash(best)[:16]]
    epochs = re.findall(r"^\| epoch \d+ \| perplexity (\S+) \| valid (\S+)", said, re.MULTILINE)
    return cells, [tuple(map(float, epoch)) for epoch in epochs]


def n_gram(name, texts):
    """The 5-gram with the vocabulary of the recipe."""
    vocab = int(re.search(r"--vocab (\d+)", RECIPES[name][0])[1]) or None
    began = time.perf_counter()
    tokens = kneser_ney.read(texts["train"])
    model = kneser_ney.KneserNey(tokens, kneser_ney.known_words(tokens, vocab), 5)
    perplexity = model.perplexity(kneser_ney.read(texts["test"]))
    return ["%.2f" % perplexity, "", "", "", "", "%.0f s" % (time.perf_counter() - began), ""]


def pytorch(example, name, texts, folder):
    """nn.RNN or nn.LSTM from the same first weights, by the same recipe: see compare_pytorch.py.

    Each rate of the schedule begins with the best epoch of the one before, a window at the start of the text and a zero
    state, where the example goes on from the last epoch."""
    import torch
    from compare_pytorch import Model, Texts, perplexities, train_pytorch
    from convert import read_rnnlm

    flags, schedule = RECIPES[name]

    def flag(flag, kind, otherwise=None):
        found = re.search("--%s (\\S+)" % flag, flags)
        return kind(found[1]) if found else otherwise

    torch.set_num_threads(1)
    first = os.path.join(folder, "first.safetensors")
    where = ["--data", texts["train"], "--tokens", "0"]
    subprocess.run([example, *where, *flags.split(), "--epochs", "0", "--save", first], capture_output=True, check=True)
    ids = Texts(texts["train"], texts["valid"], texts["test"])
    model = Model(read_rnnlm(first))
    began, done = time.perf_counter(), 0
    for rate, epochs in schedule:
        options = argparse.Namespace(
            batch=flag("batch", int), time=flag("time", int), clip=flag("clip", float), epochs=epochs - done,
            lr_decay=flag("lr-decay", float), decay_from=flag("decay-from", int, math.inf))
        rows = train_pytorch(model, ids, rate, options)
        print("  PyTorch: rate %g, valid perplexity %.2f" % (rate, rows[-1][1]), file=sys.stderr, flush=True)
        done = epochs
    seconds = time.perf_counter() - began
    all_words, known = perplexities(model, ids)
    return ["%.2f" % all_words, "%.2f" % known, "", "", "", "%.0f s" % seconds, ""]


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ptb", help="folder with ptb.train.txt, ptb.valid.txt, ptb.test.txt")
    p.add_argument("--cell", nargs="+", choices=["rnn", "lstm"], default=["rnn"], help="of the Penn Treebank")
    p.add_argument("--brown", help="folder with train.txt, valid.txt, test.txt")
    p.add_argument("--built-in", action="store_true")
    p.add_argument("--kneser-ney", action="store_true")
    p.add_argument("--pytorch", action="store_true", help="of the Penn Treebank")
    p.add_argument("--example", help="the example ptb, built; else cargo builds it")
    a = p.parse_args()
    if a.example is None:
        root = os.path.join(HERE, "..", "..")
        subprocess.run(["cargo", "build", "--release", "--example", "ptb"], cwd=root, check=True)
        a.example = os.path.join(root, "target", "release", "examples", "ptb")
    a.example = os.path.abspath(a.example)

    def files(folder, prefix):
        parts = ("train", "valid", "test")
        return {part: os.path.abspath(os.path.join(folder, prefix + part + ".txt")) for part in parts}

    runs = []
    if a.built_in:
        runs.append(("built-in", None))
    if a.ptb:
        names = {"rnn": "ptb", "lstm": "ptb-lstm"}
        runs += [(names[cell], files(a.ptb, "ptb.")) for cell in a.cell]
    if a.brown:
        runs.append(("brown", files(a.brown, "")))
    if not runs:
        p.error("name a text: --ptb, --brown or --built-in")
    print("| text | model | test perplexity | without <unk> | recall at 1 | at 3 | unknown words | time | weights |")
    print("|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, texts in runs:
            cells, epochs = train(a.example, name, texts, folder)
            rows = [("rnnlm", cells)]
            # of each text once
            if a.kneser_ney and name in ("ptb", "brown"):
                rows.append(("Kneser-Ney, order 5", n_gram(name, texts)))
            if a.pytorch and name in PYTORCH:
                rows.append((PYTORCH[name], pytorch(a.example, name, texts, folder)))
            for model, cells in rows:
                print("| " + " | ".join([name, model, *cells]) + " |", flush=True)
            if epochs:
                best = min(epochs, key=lambda epoch: epoch[1])
                assert all(map(math.isfinite, best))
                place = epochs.index(best) + 1
                print("  best epoch %d of %d, valid %.2f" % (place, len(epochs), best[1]), file=sys.stderr)


if __name__ == "__main__":
    main()
