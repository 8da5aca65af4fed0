"""PyTorch: Embedding, RNN, Linear, cross_entropy, SGD; eager, or (variant `compiled`) through torch.compile."""
import torch
from torch import nn

from serve import D, H, N, RATE, V, VARIANT, one_by_one, serve, weights, windows

torch.set_num_threads(1)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(V, D)
        self.rnn = nn.RNN(D, H, batch_first=True)
        self.affine = nn.Linear(H, V)

    def forward(self, xs, ts, h):
        states, h = self.rnn(self.embed(xs), h)
        logits = self.affine(states)
        return nn.functional.cross_entropy(logits.flatten(0, 1), ts.flatten()), h.detach()


def parameters():
    """In the order and orientation of serve.SHAPES."""
    rnn, affine = model.rnn, model.affine
    return [model.embed.weight, rnn.weight_ih_l0.T, rnn.weight_hh_l0.T, rnn.bias_ih_l0, affine.weight.T, affine.bias]


model = Model()
with torch.no_grad():
    for parameter, values in zip(parameters(), weights()):
        parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))
    # RNN has a second bias, which would learn too and so double the rate of the first
    model.rnn.bias_hh_l0.zero_()
model.rnn.bias_hh_l0.requires_grad_(False)
sgd = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=RATE)
forward = torch.compile(model) if VARIANT == "compiled" else model
inputs, targets = (torch.from_numpy(ids) for ids in windows())
h = torch.zeros(1, N, H)


def step(i):
    global h
    loss, h = forward(inputs[i], targets[i], h)
    sgd.zero_grad()
    loss.backward()
    sgd.step()
    return loss.item()


serve(
    one_by_one(step, len(inputs)),
    lambda: [p.detach().numpy() for p in parameters()],
    f"PyTorch {torch.__version__.split('+')[0]}" + (", compiled" if VARIANT == "compiled" else ""),
)
