"""JAX without any library: LIF in `lax.scan`, jit-compiled; products over all steps or in the scan.

Subtracts the threshold in the step of the spike; the reset is detached. Convolutions run in the
channel-last layout, which XLA prefers on a CPU.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from worker import Modes, Step, serve
from workload import BETA, V_TH, WIDTH, Conv, Workload


@jax.custom_jvp
def spike(x):
    return (x > 0).astype(x.dtype)


@spike.defjvp
def _spike_jvp(primals, tangents):
    (x,), (dx,) = primals, tangents
    return spike(x), dx * jnp.maximum(0, 1 - jnp.abs(x) / WIDTH)


def tick(v, current):
    """New membrane and spikes of one step."""
    v = BETA * v + current
    z = spike(v - V_TH)
    return v - lax.stop_gradient(z) * V_TH, z


def product(layer, weight, x):
    """Currents of one step, [B, ...]."""
    if isinstance(layer, Conv):
        sides = (layer.stride, layer.stride)
        return lax.conv_general_dilated(
            x, weight, sides, "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    return x.reshape(len(x), -1) @ weight


def whole(work: Workload, unroll: int):
    """Layer by layer: one product over all steps, then the scan of the neurons."""

    def forward(weights, feedbacks, x):
        for layer, weight, feedback in zip(work.layers, weights, feedbacks, strict=True):
            rows = product(layer, weight, x.reshape(-1, *x.shape[2:]))
            currents = rows.reshape(*x.shape[:2], *rows.shape[1:])

            def body(carry, current, feedback=feedback):
                v, z = carry
                v, z = tick(v, current if feedback is None else current + z @ feedback)
                return (v, z), z

            zero = jnp.zeros_like(currents[0])
            _, x = lax.scan(body, (zero, zero), currents, unroll=unroll)
        return x.sum(0)

    return forward


def stepwise(work: Workload):
    """All layers step by step in one scan; only the spike counts are kept."""
    shapes = [(*s[1:], s[0]) if len(s) == 3 else s for s in work.shapes()[1:]]

    def forward(weights, feedbacks, x):
        def body(carry, now):
            states, counts = carry
            after = []
            for layer, weight, feedback, (v, z) in zip(
                work.layers, weights, feedbacks, states, strict=True
            ):
                current = product(layer, weight, now)
                v, now = tick(v, current if feedback is None else current + z @ feedback)
                after.append((v, now))
            return (after, counts + now), None

        zeros = [jnp.zeros((work.batch, *shape)) for shape in shapes]
        (_, counts), _ = lax.scan(body, ([(z, z) for z in zeros], zeros[-1]), x)
        return counts

    return forward


def channel_last(work: Workload) -> tuple[list[np.ndarray], np.ndarray]:
    """Weights [pre, post] or [y, x, pre, post], and the input [T, B, y, x, channel]."""
    weights: list[np.ndarray] = []
    for layer, array, pre in zip(work.layers, work.weights(), work.shapes()[:-1], strict=True):
        if isinstance(layer, Conv):
            weights.append(array.transpose(2, 3, 1, 0))
        elif len(pre) == 3:  # the flattened axis of channel, y, x becomes y, x, channel
            weights.append(array.reshape(-1, *pre).transpose(2, 3, 1, 0).reshape(-1, len(array)))
        else:
            weights.append(array.T)
    x = work.spikes()
    return weights, np.moveaxis(x, 2, -1) if x.ndim == 5 else x


def compiled(forward, work: Workload) -> Step:
    weights, x = channel_last(work)
    feedbacks = [None if w is None else jnp.asarray(w.T) for w in work.feedback()]
    given = (
        ([jnp.asarray(w) for w in weights], feedbacks),
        jnp.asarray(x),
        jnp.asarray(work.target()),
    )

    def loss(trained, x, target):
        counts = forward(*trained, x)
        return (counts * target).sum(), counts

    step = jax.jit(jax.value_and_grad(loss, has_aux=True)).lower(*given).compile()

    def run():
        (_, counts), gradients = jax.block_until_ready(step(*given))
        return counts, jax.tree.leaves(gradients)

    return run


def modes(work: Workload) -> Modes:
    return {
        "product over all steps": lambda: compiled(whole(work, 1), work),
        "product over all steps, scan unrolled by 8": lambda: compiled(whole(work, 8), work),
        "all in the scan": lambda: compiled(stepwise(work), work),
    }


if __name__ == "__main__":
    serve(modes, ("jax", "jaxlib"))
