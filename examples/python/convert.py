"""Converts weights between PyTorch and rnnlm, both ways.

    python convert.py to-rnnlm model.pt model.safetensors --words words.txt
    python convert.py to-torch model.safetensors model.pt --words words.txt

to-rnnlm reads a PyTorch state_dict of an nn.Embedding, a one-layer nn.RNN (tanh) or nn.LSTM, and an nn.Linear; or a
file with rnnlm's own names, whose numbers become float32. With --words, a
list of the V words in the order of their ids, one a line, it writes a complete file of rnnlm, at epoch 0, to go on with
N 20, T 35, learning rate 0.1 and clipping at 0.25; without, the six weights alone, a bare file, which gets its words
from `ptb --load FILE --vocabulary words.txt`. to-torch reads what rnnlm writes, complete or bare, and writes such a
state_dict, and the words to the list that --words names.

A file of PyTorch may be `torch.save(model.state_dict(), "model.pt")` or, by its name, `.safetensors`. The modules are
found by their names in the model: --embedding, --rnn, --linear.

    PyTorch                           shape    rnnlm      shape
    embedding.weight                  (V,D)    embed.W    (V,D)
    rnn.weight_ih_l0                  (H,D)    rnn.Wx     (D,H)   transposed
    rnn.weight_hh_l0                  (H,H)    rnn.Wh     (H,H)   transposed
    rnn.bias_ih_l0 + rnn.bias_hh_l0   (H)      rnn.b      (H)     back: bias_hh_l0 = 0
    linear.weight                     (V,H)    affine.W   (H,V)   transposed
    linear.bias                       (V)      affine.b   (V)

Of an nn.LSTM the rows come in the order i, f, g, o, H each, and become the columns f, g, i, o of lstm.Wx (D,4H),
lstm.Wh (H,4H) and lstm.b (4H).

Everything is float32: other types are rounded to it. A bias that a model lacks (bias=False) becomes zero. Which
non-linearity an nn.RNN has is not in its state_dict: it must be tanh.

Needs numpy and safetensors, and torch where a file is a .pt.
"""
import argparse
import json
import struct
import zlib

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

WEIGHTS = {
    1: ["embed.W", "rnn.Wx", "rnn.Wh", "rnn.b", "affine.W", "affine.b"],
    4: ["embed.W", "lstm.Wx", "lstm.Wh", "lstm.b", "affine.W", "affine.b"],
}
# where PyTorch has the gates f, g, i, o, and where rnnlm has i, f, g, o
FROM_TORCH, FROM_RNNLM = [1, 2, 0, 3], [2, 0, 1, 3]


def gates_of(weights):
    """4 for the weights of an LSTM by rnnlm's names, else 1."""
    return 4 if "lstm.Wh" in weights else 1


def ordered(rows, order):
    """The blocks of rows, one a gate, in this order; without gates all of them."""
    return rows if order is None else np.concatenate([np.split(rows, 4)[i] for i in order])


def to_rnnlm(state, embedding="embedding", rnn="rnn", linear="linear"):
    """The weights of rnnlm from a PyTorch state_dict of NumPy arrays."""
    rest = dict(state)
    if "embed.W" in rest:
        missing = [name for name in WEIGHTS[gates_of(rest)] if name not in rest]
        if missing:
            raise SystemExit("the file has no %s" % ", ".join(missing))
        return {name: np.ascontiguousarray(rest[name], dtype=np.float32) for name in WEIGHTS[gates_of(rest)]}

    def take(name):
        if name not in rest:
            raise SystemExit("the state_dict has no %s, only %s: name the modules with --embedding, --rnn, --linear" % (
                name, ", ".join(sorted(state))))
        return np.asarray(rest.pop(name), dtype=np.float32)

    def bias(name, length):
        return take(name) if name in rest else np.zeros(length, dtype=np.float32)

    wx, wh = take(rnn + ".weight_ih_l0"), take(rnn + ".weight_hh_l0")
    h = wh.shape[1]
    gates = 4 if len(wh) == 4 * h else 1
    names, order = WEIGHTS[gates], FROM_TORCH if gates == 4 else None
    b = bias(rnn + ".bias_ih_l0", gates * h) + bias(rnn + ".bias_hh_l0", gates * h)
    w = {
        "embed.W": take(embedding + ".weight"),
        names[1]: ordered(wx, order).T,
        names[2]: ordered(wh, order).T,
        names[3]: ordered(b, order),
        "affine.W": take(linear + ".weight").T,
    }
    v, d = w["embed.W"].shape
    w["affine.b"] = bias(linear + ".bias", v)
    if rest:
        raise SystemExit("rnnlm has no place for %s: it has one layer in one direction" % ", ".join(sorted(rest)))
    columns = gates * h
    shapes = dict(zip(names, [(v, d), (d, columns), (h, columns), (columns,), (h, v), (v,)]))
    for name, shape in shapes.items():
        if w[name].shape != shape:
            kinds = "an nn.RNN with tanh or an nn.LSTM"
            raise SystemExit("%s would be %s instead of %s: is it %s?" % (name, w[name].shape, shape, kinds))
        if not np.isfinite(w[name]).all():
            raise SystemExit("%s holds a number that is not finite" % name)
    # safetensors writes the memory as it lies there, so a transposed view must be copied first
    return {name: np.ascontiguousarray(w[name]) for name in names}


def to_torch(weights, embedding="embedding", rnn="rnn", linear="linear"):
    """A PyTorch state_dict of NumPy arrays from the weights of rnnlm."""
    names = WEIGHTS[gates_of(weights)]
    order = FROM_RNNLM if gates_of(weights) == 4 else None
    missing = [name for name in names if name not in weights]
    if missing:
        raise SystemExit("the file has no %s: was it written by rnnlm?" % ", ".join(missing))
    state = {
        embedding + ".weight": weights["embed.W"],
        rnn + ".weight_ih_l0": ordered(weights[names[1]].T, order),
        rnn + ".weight_hh_l0": ordered(weights[names[2]].T, order),
        rnn + ".bias_ih_l0": ordered(weights[names[3]], order),
        rnn + ".bias_hh_l0": np.zeros_like(weights[names[3]]),
        linear + ".weight": weights["affine.W"].T,
        linear + ".bias": weights["affine.b"],
    }
    return {name: np.ascontiguousarray(array) for name, array in state.items()}


def complete_file(weights, words):
    """The bytes of a complete file of rnnlm at epoch 0, with these words."""
    n, t, h, gates = 20, 35, len(weights["affine.W"]), gates_of(weights)
    states = 2 if gates == 4 else 1
    # version; rate, clipping, decay, best loss, loss so far; stateful; T, epoch, iteration, position, seed, generator
    training = struct.pack("<I6fI6Q", 1, 0.1, 0.25, 1, float("inf"), 0, 0, 1, t, 0, 0, 0, 1, 1)
    tensors = {name: ("F32", weights[name].shape, weights[name].astype("<f4").tobytes()) for name in WEIGHTS[gates]}
    tensors["rnnlm.state"] = "F32", (states * n, h), bytes(4 * states * n * h)
    lines = "".join(word + "\n" for word in words).encode()
    for name, data in [("vocabulary", lines), ("training", training), ("crc32", bytes(4))]:
        tensors["rnnlm." + name] = "U8", (len(data),), data
    header, end = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + len(data)]}
        end += len(data)
    header = json.dumps(header, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    content = struct.pack("<Q", len(header)) + header + b"".join(data for _, _, data in tensors.values())
    return content[:-4] + struct.pack("<I", zlib.crc32(content[:-4]))


def read_words(path, size):
    """A list of so many words, one a line."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        words = file.read().replace("\r\n", "\n").split("\n")
    if words[-1] == "":
        words.pop()
    if len(words) != size:
        lines = len(words)
        raise SystemExit("%s has %d lines, the model %d words: name the list that belongs to it" % (path, lines, size))
    if len(set(words)) != size:
        raise SystemExit("%s has a word twice: each id needs a word of its own" % path)
    return words


def read_safetensors(path):
    try:
        return load_file(path)
    except SafetensorError as error:
        raise SystemExit("%s is no safetensors file: %s" % (path, error))


def read_rnnlm(path):
    """The tensors of a file of rnnlm. The last four bytes of a complete one are the CRC-32 of all before."""
    tensors = read_safetensors(path)
    if any(name.startswith("rnnlm.") for name in tensors):
        with open(path, "rb") as file:
            content = file.read()
        if zlib.crc32(content[:-4]) != int.from_bytes(content[-4:], "little"):
            raise SystemExit("%s is damaged: its checksum is wrong" % path)
    return tensors


def read_torch(path):
    """A state_dict as NumPy arrays."""
    if path.endswith(".safetensors"):
        return read_safetensors(path)
    import torch

    advice = "save the model by torch.save(model.state_dict(), %r)" % path
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # a whole model, or no file of PyTorch: torch raises many kinds
        raise SystemExit("%s is no state_dict of PyTorch (%s): %s" % (path, type(error).__name__, advice))
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise SystemExit("%s holds more than a state_dict: %s" % (path, advice))
    return {name: tensor.float().numpy() for name, tensor in state.items()}


def write_torch(state, path):
    """Writes a state_dict of NumPy arrays."""
    if path.endswith(".safetensors"):
        save_file(state, path, metadata={"format": "pt"})
        return
    import torch

    torch.save({name: torch.from_numpy(array) for name, array in state.items()}, path)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("direction", choices=["to-rnnlm", "to-torch"])
    p.add_argument("source")
    p.add_argument("target")
    p.add_argument("--embedding", default="embedding", help="name of the nn.Embedding")
    p.add_argument("--rnn", default="rnn", help="name of the nn.RNN or nn.LSTM")
    p.add_argument("--linear", default="linear", help="name of the nn.Linear")
    p.add_argument("--words", help="list of the words by id, one a line: read to-rnnlm, written to-torch")
    a = p.parse_args()
    names = a.embedding, a.rnn, a.linear
    if a.direction == "to-rnnlm":
        weights = to_rnnlm(read_torch(a.source), *names)
        if a.words:
            content = complete_file(weights, read_words(a.words, len(weights["embed.W"])))
            with open(a.target, "wb") as file:
                file.write(content)
        else:
            save_file(weights, a.target)
    else:
        weights = read_rnnlm(a.source)
        words = bytes(weights.get("rnnlm.vocabulary", b""))
        if a.words and not words:
            raise SystemExit("%s has no words: leave --words out" % a.source)
        write_torch(to_torch(weights, *names), a.target)
        if a.words:
            with open(a.words, "wb") as file:
                file.write(words)
    (v, d), h = weights["embed.W"].shape, len(weights["affine.W"])
    print("%s: V %d, D %d, H %d" % (a.target, v, d, h))


if __name__ == "__main__":
    try:
        main()
    except (OSError, ImportError) as error:
        raise SystemExit(str(error))
