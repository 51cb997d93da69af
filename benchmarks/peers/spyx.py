"""Spyx (JAX): its LIF and RLIF, jit-compiled; products over all steps, or all layers in its scan.

Subtracts the threshold one step after the membrane passed it, and its spike also leaves then; the
gradient also runs through the reset. Convolutions are channel-last.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from spyx import axn
from spyx.nn import LIF, RLIF, Flatten, Sequential
from spyx.nn import run as scan

from peers.jax import channel_last
from worker import Modes, Step, serve
from workload import BETA, V_TH, WIDTH, Conv, Workload


def network(work: Workload) -> tuple[Sequential, jax.Array]:
    """The layers, and the input [T, B, ...]."""
    rngs, spike = nnx.Rngs(0), axn.triangular(1 / WIDTH)
    weights, x = channel_last(work)
    stack: list[nnx.Module] = []
    for layer, array, feedback, pre, post in zip(
        work.layers, weights, work.feedback(), work.shapes()[:-1], work.shapes()[1:], strict=True
    ):
        if isinstance(layer, Conv):
            link = nnx.Conv(
                *array.shape[2:], (layer.kernel,) * 2, layer.stride, padding="VALID",
                use_bias=False, rngs=rngs,
            )  # fmt: skip
            shape = (*post[1:], post[0])
        else:
            if len(pre) == 3:
                stack.append(Flatten())
            link = nnx.Linear(*array.shape, use_bias=False, rngs=rngs)
            shape = post
        link.kernel[...] = jnp.asarray(array)
        kind = LIF if feedback is None else RLIF
        neuron = kind(shape, beta=BETA, threshold=V_TH, activation=spike, rngs=rngs)
        if feedback is not None:
            neuron.recurrent_w[...] = jnp.asarray(feedback.T)
        stack += [link, neuron]
    return Sequential(*stack), jnp.asarray(x)


def layer_by_layer(model: Sequential, x: jax.Array) -> jax.Array:
    """Each product over all steps at once, then the scan of its neurons."""
    for layer in model.layers:
        if isinstance(layer, LIF | RLIF):
            x, _ = scan(layer, x)
        else:
            rows = layer(x.reshape(-1, *x.shape[2:]))
            x = rows.reshape(*x.shape[:2], *rows.shape[1:])
    return x


def modes(work: Workload) -> Modes:
    def compiled(forward) -> Step:
        model, x = network(work)
        target = jnp.asarray(work.target())
        graph, trained, rest = nnx.split(
            model, lambda path, _: path[-1] in ("kernel", "recurrent_w"), ...
        )

        def loss(trained, rest, x, target):
            counts = forward(nnx.merge(graph, trained, rest), x).sum(0)
            return (counts * target).sum(), counts

        given = (trained, rest, x, target)
        step = jax.jit(jax.value_and_grad(loss, has_aux=True)).lower(*given).compile()

        def run():
            (_, counts), gradients = jax.block_until_ready(step(*given))
            return counts, jax.tree.leaves(gradients)

        return run

    return {
        "product over all steps": lambda: compiled(layer_by_layer),
        "all in the scan": lambda: compiled(lambda model, x: scan(model, x)[0]),
    }


if __name__ == "__main__":
    serve(modes, ("spyx", "jax", "jaxlib", "flax"))
