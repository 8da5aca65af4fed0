"""Bare weight files as Python's safetensors writes them, for tests/files/safetensors.rs.

    python tests/data/generate/bare_files.py tests/data/golden/checkpoint

numpy.safetensors by safetensors.numpy without metadata; torch.safetensors by safetensors.torch with the metadata that
the ecosystem of PyTorch writes. The weights are the same: V 5, D 3, H 4, and element i of the n-th tensor (from 0, in
the order of NAMES) is n + i / 64, which float32 holds exactly. The tensors are given in another order than ours.
"""
import os
import sys

import numpy as np
import torch
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch

V, D, H = 5, 3, 4
SHAPES = {
    "embed.W": (V, D),
    "rnn.Wx": (D, H),
    "rnn.Wh": (H, H),
    "rnn.b": (H,),
    "affine.W": (H, V),
    "affine.b": (V,),
}

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
weights = {
    name: (n + np.arange(np.prod(shape)) / 64).astype(np.float32).reshape(shape)
    for n, (name, shape) in enumerate(SHAPES.items())
}
backwards = dict(reversed(weights.items()))
save_numpy(backwards, os.path.join(out, "numpy.safetensors"))
save_torch({name: torch.from_numpy(x) for name, x in backwards.items()}, os.path.join(out, "torch.safetensors"),
           metadata={"format": "pt"})
