"""JAX: the whole step in one jit, lax.scan over time, weights and state donated. The variant is the number of steps per
call: more than one are scanned inside the jit, which spares the price of the calls."""
import jax
import jax.numpy as jnp
import numpy as np

from serve import H, IS_LSTM, N, RATE, VARIANT, serve, weights, windows

STEPS = int(VARIANT)


def loss_and_state(parameters, state, xs, ts):
    embed_w, wx, wh, b, affine_w, affine_b = parameters

    def tanh_cell(h, z):
        h = jnp.tanh(z + h @ wh)
        return h, h

    def lstm_cell(state, z):
        h, c = state
        f, g, i, o = jnp.split(z + h @ wh, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jnp.tanh(g) * jax.nn.sigmoid(i)
        h = jax.nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    # (N,T) ids, time first for the scan
    last, states = jax.lax.scan(lstm_cell if IS_LSTM else tanh_cell, state, embed_w[xs.T] @ wx + b)
    # in two dimensions: XLA multiplies (T,N,H) by a slower way
    logits = states.reshape(-1, H) @ affine_w + affine_b
    of_targets = jnp.take_along_axis(logits, ts.T.reshape(-1, 1), axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=-1) - of_targets), last


def step(carried, window):
    parameters, state = carried
    (loss, state), gradients = jax.value_and_grad(loss_and_state, has_aux=True)(parameters, state, *window)
    return (jax.tree.map(lambda w, g: w - RATE * g, parameters, gradients), state), loss


def steps(carried, windows):
    carried, losses = jax.lax.scan(step, carried, windows)
    return carried, losses[-1]


call = jax.jit(step if STEPS == 1 else steps, donate_argnums=0)
data = [ids.astype("int32") for ids in windows()]
if STEPS > 1:
    data = [ids.reshape(-1, STEPS, *ids.shape[1:]) for ids in data]
data = [jax.device_put(window) for window in zip(*data)]
# two arrays, since both are given away at the first step
state = (jnp.zeros((N, H)), jnp.zeros((N, H))) if IS_LSTM else jnp.zeros((N, H))
carried = jax.device_put((weights(), state))
position = 0


def train(count):
    global carried, position
    for _ in range(count // STEPS):
        carried, loss = call(carried, data[position % len(data)])
        position += 1
        loss = float(loss)
    return loss


name = f"JAX {jax.__version__}" + (f", {STEPS} steps per call" if STEPS > 1 else "")
serve(train, lambda: [np.asarray(w) for w in carried[0]], name)
