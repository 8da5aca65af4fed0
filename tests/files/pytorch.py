"""PyTorch's side of tests/files/pytorch.rs. Raw files are little-endian: .f32 row-major, .u32.

    python tests/files/pytorch.py losses STATE_DICT IDS.u32 LOSSES.f32
        cross-entropy of each token but the first, from a zero state
    python tests/files/pytorch.py make FOLDER V D H SEED
        a model with PyTorch's own initial weights and two biases
    python tests/files/pytorch.py lstm FOLDER V D H SEED
        the same with an nn.LSTM
    python tests/files/pytorch.py refused FOLDER
        files that are no state_dict of a tanh RNN or an LSTM of one layer
    python tests/files/pytorch.py dump FILE FOLDER
        the tensors of a safetensors file, raw and listed
    python tests/files/pytorch.py bare FOLDER V D H
        bare files by NumPy and PyTorch from FOLDER/*.f32
"""
import os
import sys

import numpy as np
import safetensors
import safetensors.numpy
import safetensors.torch
import torch
from torch import nn

NAMES = ["embed.W", "rnn.Wx", "rnn.Wh", "rnn.b", "affine.W", "affine.b"]


class Model(nn.Module):
    def __init__(self, v, d, h, cell=nn.RNN, **options):
        super().__init__()
        self.embedding = nn.Embedding(v, d)
        self.rnn = cell(d, h, batch_first=True, **options)
        self.linear = nn.Linear(h, v)

    def forward(self, ids):
        return self.linear(self.rnn(self.embedding(ids))[0])


def losses(path, ids, out):
    state = safetensors.torch.load_file(path) if path.endswith(".safetensors") else torch.load(path)
    v, d = state["embedding.weight"].shape
    rows, h = state["rnn.weight_hh_l0"].shape
    model = Model(v, d, h, nn.LSTM if rows == 4 * h else nn.RNN)
    model.load_state_dict(state, strict=True)
    ids = torch.from_numpy(np.fromfile(ids, "<u4").astype(np.int64))
    with torch.inference_mode():
        logits = model(ids[None, :-1])[0]
        each = nn.functional.cross_entropy(logits, ids[1:], reduction="none")
    each.numpy().astype("<f4").tofile(out)


def make(folder, v, d, h, seed):
    torch.manual_seed(seed)
    model = Model(v, d, h)
    state = model.state_dict()
    torch.save(state, os.path.join(folder, "made.pt"))
    safetensors.torch.save_file(state, os.path.join(folder, "made.torch.safetensors"))
    # what the converter must come to, written another way
    rnn, linear = model.rnn, model.linear
    with torch.no_grad():
        expected = [
            torch.stack([model.embedding(torch.tensor(i)) for i in range(v)]),
            torch.stack([rnn.weight_ih_l0[:, i] for i in range(d)]),
            torch.stack([rnn.weight_hh_l0[:, i] for i in range(h)]),
            rnn.bias_ih_l0 + rnn.bias_hh_l0,
            torch.stack([linear.weight[:, i] for i in range(h)]),
            linear.bias,
        ]
    with open(os.path.join(folder, "made.f32"), "wb") as file:
        for tensor in expected:
            file.write(tensor.detach().numpy().astype("<f4").tobytes())


def lstm(folder, v, d, h, seed):
    torch.manual_seed(seed)
    torch.save(Model(v, d, h, nn.LSTM).state_dict(), os.path.join(folder, "lstm.pt"))


def refused(folder):
    def save(name, state):
        torch.save(state, os.path.join(folder, name + ".pt"))

    save("gru", Model(5, 3, 4, nn.GRU).state_dict())
    save("two_layers", Model(5, 3, 4, num_layers=2).state_dict())
    save("both_directions", Model(5, 3, 4, bidirectional=True).state_dict())
    nan = Model(5, 3, 4).state_dict()
    nan["linear.bias"][2] = float("nan")
    save("nan", nan)
    nameless = Model(5, 3, 4).state_dict()
    nameless["encoder.weight"] = nameless.pop("embedding.weight")
    save("other_names", nameless)
    save("whole", Model(5, 3, 4))
    save("nested", {"epoch": 3, "model": Model(5, 3, 4).state_dict()})


def dump(path, folder):
    with safetensors.safe_open(path, framework="np") as file:
        for name in file.keys():
            array = file.get_tensor(name)
            array.tofile(os.path.join(folder, name + ".raw"))
            print(name, array.dtype, *array.shape)


def bare(folder, v, d, h):
    shapes = [(v, d), (d, h), (h, h), (h,), (h, v), (v,)]
    read = lambda name, shape: np.fromfile(os.path.join(folder, name + ".f32"), "<f4").reshape(shape)
    arrays = {name: read(name, shape) for name, shape in zip(NAMES, shapes)}
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    for how, metadata in [("", None), ("_metadata", {"format": "pt", "a \"key\" \\ \u00fc": "\n\U0001f600"})]:
        safetensors.numpy.save_file(arrays, os.path.join(folder, "numpy%s.safetensors" % how), metadata)
        safetensors.torch.save_file(tensors, os.path.join(folder, "torch%s.safetensors" % how), metadata)


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    arguments = [int(a) if a.isdigit() else a for a in arguments]
    {"losses": losses, "make": make, "lstm": lstm, "refused": refused, "dump": dump, "bare": bare}[command](*arguments)


if __name__ == "__main__":
    main()
