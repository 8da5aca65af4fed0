"""What the peers in Python have in common: the start that they are given, and the commands that they obey.

Arguments: V D H N T, the cell (rnn or lstm), the learning rate, a variant that is the script's own, and a folder with
`weights` (float32: embed.W, Wx, Wh, b, affine.W, affine.b; an LSTM's columns are its gates f, g, i, o) and `windows`
(uint32: inputs and targets of each window, batch-major). Commands on standard input: `train COUNT` answers with the
loss of the last step, `weights` writes them to the folder.
"""
import pathlib
import sys

import numpy

V, D, H, N, T = map(int, sys.argv[1:6])
IS_LSTM = sys.argv[6] == "lstm"
RATE = float(sys.argv[7])
VARIANT = sys.argv[8]
FOLDER = pathlib.Path(sys.argv[9])

# Row vectors for the biases, as everywhere in this comparison.
COLUMNS = 4 * H if IS_LSTM else H
SHAPES = [(V, D), (D, COLUMNS), (H, COLUMNS), (1, COLUMNS), (H, V), (1, V)]


def weights():
    """The six matrices."""
    block = numpy.fromfile(FOLDER / "weights", "<f4")
    ends = numpy.cumsum([rows * cols for rows, cols in SHAPES])
    return [part.reshape(shape).copy() for part, shape in zip(numpy.split(block, ends[:-1]), SHAPES)]


def windows():
    """Inputs and targets of all windows, each (windows,N,T)."""
    ids = numpy.fromfile(FOLDER / "windows", "<u4").astype("int64").reshape(-1, 2, N, T)
    return ids[:, 0], ids[:, 1]


def serve(train, weights, name):
    """`name` is what the tables call this peer; `train(count)` does the next steps and returns the last loss;
    `weights()` returns the six matrices."""
    print(name, flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "train":
            print(float(train(int(arguments[0]))), flush=True)
        else:
            numpy.concatenate([numpy.asarray(w, "<f4").ravel() for w in weights()]).tofile(FOLDER / "weights")
            print("written", flush=True)


def one_by_one(step, count):
    """A `train` for libraries that are called once per step: `step(i)` trains on window i."""
    position = 0

    def train(steps):
        nonlocal position
        for _ in range(steps):
            loss = step(position % count)
            position += 1
        return loss

    return train
