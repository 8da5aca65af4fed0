"""Converts weights between PyTorch and rnnlm, both ways.

    python convert.py to-rnnlm model.pt bare.safetensors
    python convert.py to-torch checkpoint.safetensors model.pt

to-rnnlm reads a PyTorch state_dict of an nn.Embedding, a one-layer nn.RNN (tanh) and an nn.Linear, and writes the six weights
of rnnlm as a bare file. to-torch reads what rnnlm writes, complete or bare, and writes such a state_dict. A file of
PyTorch may be `torch.save(model.state_dict(), "model.pt")` or, by its name, `.safetensors`. The modules are found by
their names in the model: --embedding, --rnn, --linear.

    PyTorch                           shape    rnnlm      shape
    embedding.weight                  (V,D)    embed.W    (V,D)
    rnn.weight_ih_l0                  (H,D)    rnn.Wx     (D,H)   transposed
    rnn.weight_hh_l0                  (H,H)    rnn.Wh     (H,H)   transposed
    rnn.bias_ih_l0 + rnn.bias_hh_l0   (H)      rnn.b      (H)     back: bias_hh_l0 = 0
    linear.weight                     (V,H)    affine.W   (H,V)   transposed
    linear.bias                       (V)      affine.b   (V)

Everything is float32: other types are rounded to it. A bias that a model lacks (bias=False) becomes zero. Which non-linearity an
nn.RNN has is not in its state_dict: it must be tanh. The words of a complete file, in the order of their ids:

    bytes(load_file("checkpoint.safetensors")["rnnlm.vocabulary"]).decode().split("\\n")[:-1]

Needs numpy and safetensors, and torch where a file is a .pt.
"""
import argparse
import zlib

import numpy as np
from safetensors.numpy import load_file, save_file

WEIGHTS = ["embed.W", "rnn.Wx", "rnn.Wh", "rnn.b", "affine.W", "affine.b"]


def to_rnnlm(state, embedding="embedding", rnn="rnn", linear="linear"):
    """The weights of rnnlm from a PyTorch state_dict of NumPy arrays."""
    rest = dict(state)

    def take(name):
        if name not in rest:
            raise SystemExit("the state_dict has no %s, only %s: name the modules with --embedding, --rnn, --linear" % (
                name, ", ".join(sorted(state))))
        return np.asarray(rest.pop(name), dtype=np.float32)

    def bias(name, length):
        return take(name) if name in rest else np.zeros(length, dtype=np.float32)

    wx, wh = take(rnn + ".weight_ih_l0"), take(rnn + ".weight_hh_l0")
    h = wh.shape[1]
    w = {
        "embed.W": take(embedding + ".weight"),
        "rnn.Wx": wx.T,
        "rnn.Wh": wh.T,
        "rnn.b": bias(rnn + ".bias_ih_l0", h) + bias(rnn + ".bias_hh_l0", h),
        "affine.W": take(linear + ".weight").T,
    }
    v, d = w["embed.W"].shape
    w["affine.b"] = bias(linear + ".bias", v)
    if rest:
        raise SystemExit("rnnlm has no place for %s: it has one tanh layer in one direction" % ", ".join(sorted(rest)))
    shapes = dict(zip(WEIGHTS, [(v, d), (d, h), (h, h), (h,), (h, v), (v,)]))
    for name, shape in shapes.items():
        if w[name].shape != shape:
            raise SystemExit("%s would be %s instead of %s: is it an nn.RNN with tanh?" % (name, w[name].shape, shape))
        if not np.isfinite(w[name]).all():
            raise SystemExit("%s holds a number that is not finite" % name)
    # safetensors writes the memory as it lies there, so a transposed view must be copied first
    return {name: np.ascontiguousarray(w[name]) for name in WEIGHTS}


def to_torch(weights, embedding="embedding", rnn="rnn", linear="linear"):
    """A PyTorch state_dict of NumPy arrays from the weights of rnnlm."""
    missing = [name for name in WEIGHTS if name not in weights]
    if missing:
        raise SystemExit("the file has no %s: was it written by rnnlm?" % ", ".join(missing))
    state = {
        embedding + ".weight": weights["embed.W"],
        rnn + ".weight_ih_l0": weights["rnn.Wx"].T,
        rnn + ".weight_hh_l0": weights["rnn.Wh"].T,
        rnn + ".bias_ih_l0": weights["rnn.b"],
        rnn + ".bias_hh_l0": np.zeros_like(weights["rnn.b"]),
        linear + ".weight": weights["affine.W"].T,
        linear + ".bias": weights["affine.b"],
    }
    return {name: np.ascontiguousarray(array) for name, array in state.items()}


def read_rnnlm(path):
    """The tensors of a file of rnnlm. The last four bytes of a complete one are the CRC-32 of all before."""
    tensors = load_file(path)
    if any(name.startswith("rnnlm.") for name in tensors):
        with open(path, "rb") as file:
            content = file.read()
        if zlib.crc32(content[:-4]) != int.from_bytes(content[-4:], "little"):
            raise SystemExit("%s is damaged: its checksum is wrong" % path)
    return tensors


def read_torch(path):
    """A state_dict as NumPy arrays."""
    if path.endswith(".safetensors"):
        return load_file(path)
    import torch

    state = torch.load(path, map_location="cpu", weights_only=True)
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
    p.add_argument("--rnn", default="rnn", help="name of the nn.RNN")
    p.add_argument("--linear", default="linear", help="name of the nn.Linear")
    a = p.parse_args()
    names = a.embedding, a.rnn, a.linear
    if a.direction == "to-rnnlm":
        weights = to_rnnlm(read_torch(a.source), *names)
        save_file(weights, a.target)
    else:
        weights = read_rnnlm(a.source)
        write_torch(to_torch(weights, *names), a.target)
    (v, d), h = weights["embed.W"].shape, len(weights["rnn.b"])
    print("%s: V %d, D %d, H %d" % (a.target, v, d, h))


if __name__ == "__main__":
    main()
