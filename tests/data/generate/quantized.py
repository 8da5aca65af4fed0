"""Int8 files by another program's arithmetic, for tests/files/quantized.rs. Needs nothing but Python.

    python3 tests/data/generate/quantized.py tests/data/golden/int8

f32.safetensors: six bare weights, V 5, D 3, H 20, drawn with seed 1. int8.safetensors: the same in int8, with the words
w0 to w4. lstm_f32.safetensors and lstm_int8.safetensors: so of an LSTM, drawn with seed 2. Every operation on float32
is done in float64 and rounded to float32, which is exact for one + - * /.
"""
import json
import os
import random
import struct
import sys
import zlib

V, D, H = 5, 3, 20
ONE, UNITS, BOUND = 23637.0, 23637.115234375, 2_145_000_000.0


def f32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def even(x):
    """Python's round takes ties to even."""
    return max(-127, min(127, round(x)))


def row(weights, bias=None):
    """int8, scale and bias of a row."""
    largest = f32(max(abs(w) for w in weights) / 127)
    scale = largest
    if bias is not None:
        total = 0.0
        for w in weights:
            total = f32(total + abs(w))
        room = f32(f32(BOUND) - f32(f32(0.5 * ONE) * len(weights)))
        scale = max(largest, f32(f32(f32(ONE * total) + f32(f32(UNITS) * abs(bias))) / room))
    scale = scale or 1.0
    units = None
    if bias is not None:
        units = f32(f32(f32(UNITS) * bias) / scale)
        units = int(f32(units + (0.5 if units >= 0 else -0.5)))
    return [even(f32(w / scale)) for w in weights], scale, units


def safetensors(tensors):
    """The bytes of [(name, dtype, shape, data)] in this order."""
    header, at = {}, 0
    for name, dtype, shape, data in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(data for _, _, _, data in tensors)


def floats(x):
    return struct.pack(f"<{len(x)}f", *x)


def draw(count, deviation):
    return [f32(random.gauss(0, deviation)) for _ in range(count)]


def scales(rows):
    return floats([scale for _, scale, _ in rows])


def biases(rows):
    return struct.pack(f"<{len(rows)}i", *(bias for _, _, bias in rows))


def weights(rows):
    return b"".join(struct.pack(f"<{len(q)}b", *q) for q, _, _ in rows)


def make(cell, columns, prefix, folder):
    """Both files of a cell whose matrices have so many columns."""
    embed, wx, wh, b = draw(V * D, 0.5), draw(D * columns, 0.5), draw(H * columns, 0.3), draw(columns, 0.2)
    w, c = draw(H * V, 1.0), draw(V, 1.0)
    # a row of zeros, one whose bias sets the scale, one that is all its largest weight
    embed[D:2 * D] = [0.0] * D
    for h in range(H):
        w[h * V + 1], w[h * V + 2], w[h * V + 3] = 0.0, f32(1e-3), f32(-0.7)
    c[1], c[2] = 0.0, f32(90.0)

    named = [("embed.W", [V, D], embed), (f"{cell}.Wx", [D, columns], wx), (f"{cell}.Wh", [H, columns], wh),
             (f"{cell}.b", [columns], b), ("affine.W", [H, V], w), ("affine.b", [V], c)]
    with open(os.path.join(folder, prefix + "f32.safetensors"), "wb") as file:
        file.write(safetensors([(name, "F32", shape, floats(data)) for name, shape, data in named]))

    of_embed = [row(embed[v * D:(v + 1) * D]) for v in range(V)]
    of_wx = [row(wx[j::columns]) for j in range(columns)]
    of_wh = [row(wh[j::columns], b[j]) for j in range(columns)]
    of_w = [row(w[v::V], c[v]) for v in range(V)]
    words = "".join(f"w{i}\n" for i in range(V)).encode()
    whole = safetensors([
        ("embed.W.scale", "F32", [V], scales(of_embed)), (f"{cell}.Wx.scale", "F32", [columns], scales(of_wx)),
        (f"{cell}.Wh.scale", "F32", [columns], scales(of_wh)), ("affine.W.scale", "F32", [V], scales(of_w)),
        (f"{cell}.b", "I32", [columns], biases(of_wh)), ("affine.b", "I32", [V], biases(of_w)),
        ("embed.W", "I8", [V, D], weights(of_embed)), (f"{cell}.Wx.T", "I8", [columns, D], weights(of_wx)),
        (f"{cell}.Wh.T", "I8", [columns, H], weights(of_wh)), ("affine.W.T", "I8", [V, H], weights(of_w)),
        ("rnnlm.vocabulary", "U8", [len(words)], words), ("rnnlm.int8", "U8", [4], struct.pack("<I", 1)),
        ("rnnlm.crc32", "U8", [4], b"\0" * 4),
    ])[:-4]
    with open(os.path.join(folder, prefix + "int8.safetensors"), "wb") as file:
        file.write(whole + struct.pack("<I", zlib.crc32(whole)))


out = sys.argv[1]
os.makedirs(out, exist_ok=True)
random.seed(1)
make("rnn", H, "", out)
random.seed(2)
make("lstm", 4 * H, "lstm_", out)
