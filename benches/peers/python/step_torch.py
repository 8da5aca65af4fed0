"""PyTorch: Embedding, RNN or LSTM, Linear, cross_entropy, SGD; eager, or (variant `compiled`) through torch.compile."""
import numpy
import torch
from torch import nn

from serve import D, H, IS_LSTM, N, RATE, V, VARIANT, one_by_one, serve, weights, windows

torch.set_num_threads(1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(V, D)
        self.rnn = (nn.LSTM if IS_LSTM else nn.RNN)(D, H, batch_first=True)
        self.affine = nn.Linear(H, V)

    def forward(self, xs, ts, state):
        states, state = self.rnn(self.embed(xs), state)
        logits = self.affine(states)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), ts.flatten())
        return loss, tuple(s.detach() for s in state) if IS_LSTM else state.detach()


def parameters():
    """In the order and orientation of serve.SHAPES, but for the order of the gates."""
    rnn, affine = model.rnn, model.affine
    return [model.embed.weight, rnn.weight_ih_l0.T, rnn.weight_hh_l0.T, rnn.bias_ih_l0, affine.weight.T, affine.bias]


def in_gate_order(matrices, order):
    """The six matrices with the gates of Wx, Wh and b in another order."""
    if not IS_LSTM:
        return matrices
    gates = numpy.concatenate([numpy.arange(gate * H, (gate + 1) * H) for gate in order])
    return [m[..., gates] if i in (1, 2, 3) else m for i, m in enumerate(matrices)]


model = Model()
with torch.no_grad():
    # from f, g, i, o to the i, f, g, o of LSTM
    for parameter, values in zip(parameters(), in_gate_order(weights(), [2, 0, 1, 3])):
        parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))
    # there is a second bias, which would learn too and so double the rate of the first
    model.rnn.bias_hh_l0.zero_()
model.rnn.bias_hh_l0.requires_grad_(False)
sgd = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=RATE)
forward = torch.compile(model) if VARIANT == "compiled" else model
inputs, targets = (torch.from_numpy(ids) for ids in windows())
state = torch.zeros(1, N, H)
if IS_LSTM:
    state = state, state


def step(i):
    global state
    loss, state = forward(inputs[i], targets[i], state)
    sgd.zero_grad()
    loss.backward()
    sgd.step()
    return loss.item()


serve(
    one_by_one(step, len(inputs)),
    lambda: in_gate_order([p.detach().numpy() for p in parameters()], [1, 2, 0, 3]),
    f"PyTorch {torch.__version__.split('+')[0]}" + (", compiled" if VARIANT == "compiled" else ""),
)
