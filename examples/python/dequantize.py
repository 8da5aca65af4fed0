"""Int8 weights of `ptb --quantize` as the float32 weights that they stand for, in NumPy.

    python3 dequantize.py model.int8.safetensors model.safetensors

Writes the six bare weights, which `ptb --load` reads; needs numpy and safetensors. A weight is its integer times the
scale of its row, a bias is its integer times the scale of its row / (2^14 log2 e): a hidden state of 1 is 2^14 log2 e.
Of an LSTM, whose tensors are named lstm in place of rnn, the columns are its gates f, g, i, o.
"""
import math
import sys

from safetensors.numpy import load_file, save_file


def dequantize(tensors):
    """The weights by name, float32."""
    def rows(weights, scales):
        return tensors[weights].astype("float32") * tensors[scales][:, None]

    def biases(name, scales):
        return (tensors[name] * tensors[scales].astype("float64") / (2**14 * math.log2(math.e))).astype("float32")

    cell = "lstm" if "lstm.b" in tensors else "rnn"
    return {
        "embed.W": rows("embed.W", "embed.W.scale"),
        f"{cell}.Wx": rows(f"{cell}.Wx.T", f"{cell}.Wx.scale").T.copy(),
        f"{cell}.Wh": rows(f"{cell}.Wh.T", f"{cell}.Wh.scale").T.copy(),
        f"{cell}.b": biases(f"{cell}.b", f"{cell}.Wh.scale"),
        "affine.W": rows("affine.W.T", "affine.W.scale").T.copy(),
        "affine.b": biases("affine.b", "affine.W.scale"),
    }


if __name__ == "__main__":
    source, target = sys.argv[1:]
    save_file(dequantize(load_file(source)), target)
