"""A planar chain of links in a fluid without inertia, bent by muscles: it swims by drag alone."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LINKS = 6
JOINTS = LINKS - 1
ALONG, ACROSS = 1.0, 2.0  # drag per length of a slender body: twice as much across
DT = 0.03  # s, a control step
TAU = 0.35  # s, a joint follows its muscles
BEND = 0.6 * 2 * np.pi / LINKS  # rad, the angle at torque 1; proprioception reports it as 1
SUBSTEPS = 2

Array = NDArray[np.float64]


class Body(NamedTuple):
    """State of n swimmers of length 1.

    x: centre of the head link [n, 2]; heading: of the head link [n]; bend: joint angles [n, 5].
    """

    x: Array
    heading: Array
    bend: Array


def rest(n: int) -> Body:
    """Straight bodies at the origin, the head to the right."""
    return Body(np.zeros((n, 2)), np.zeros(n), np.zeros((n, JOINTS)))


def proprioception(body: Body) -> Array:
    """Joint angles in units of the largest bend, -1 to 1, [n, 5]."""
    return np.clip(body.bend / BEND, -1, 1)


def links(body: Body) -> tuple[Array, Array]:
    """Centres [n, 6, 2] and angles [n, 6] of the links, from the head on."""
    angle = body.heading[:, None] + np.concatenate(
        [np.zeros((len(body.x), 1)), np.cumsum(body.bend, 1)], 1
    )
    along = np.stack([np.cos(angle), np.sin(angle)], -1) / LINKS
    step = -(along[:, :-1] + along[:, 1:]) / 2  # from a link's centre to the next one's
    centre = body.x[:, None] + np.concatenate(
        [np.zeros((len(body.x), 1, 2)), np.cumsum(step, 1)], 1
    )
    return centre, angle


def middle(body: Body) -> Array:
    """Mean of the links' centres [n, 2]."""
    return links(body)[0].mean(1)


def motion(body: Body, torque: Array) -> Body:
    """Rates of change: the rigid motion that leaves no net force and no net moment.

    Drag on a link at velocity v is -(ALONG t t' + ACROSS n n') v length, plus the moment of its own
    turning; Gray & Hancock, J. Exp. Biol. 32 (1955).
    """
    n = len(body.x)
    bending = (BEND * torque - body.bend) / TAU
    centre, angle = links(body)
    t = np.stack([np.cos(angle), np.sin(angle)], -1)
    normal = np.stack([-t[..., 1], t[..., 0]], -1)
    along, across = (v[..., :, None] * v[..., None, :] for v in (t, normal))
    drag = (ALONG * along + ACROSS * across) / LINKS
    turn = np.concatenate([np.zeros((n, 1)), np.cumsum(bending, 1)], 1)  # of links, head fixed
    half = normal * turn[..., None] / (2 * LINKS)
    shape = np.concatenate(
        [np.zeros((n, 1, 2)), -np.cumsum(half[:, :-1] + half[:, 1:], 1)], 1
    )  # velocity of the centres, head fixed
    arm = centre - body.x[:, None]
    spin = np.stack([-arm[..., 1], arm[..., 0]], -1)  # velocity by unit rotation about the head
    own = ACROSS / (12 * LINKS**3)  # moment of a link that turns about its centre
    ways = np.zeros((n, LINKS, 2, 3))
    ways[..., 0, 0] = ways[..., 1, 1] = 1.0
    ways[..., 2] = spin
    forced = np.einsum("nlij,nljk->nlik", drag, ways)
    resist = np.einsum("nlik,nlij->nkj", ways, forced)
    resist[:, 2, 2] += own * LINKS
    push = np.einsum("nlik,nlij,nlj->nk", ways, drag, shape)
    push[:, 2] += own * turn.sum(1)
    velocity = -np.linalg.solve(resist, push[..., None])[..., 0]
    return Body(velocity[:, :2], velocity[:, 2], bending)


def step(body: Body, torque: Array) -> Body:
    """A control step under torques [n, 5], by the midpoint rule; Euler's makes the body drift."""
    h = DT / SUBSTEPS
    for _ in range(SUBSTEPS):
        half = Body(*(s + h / 2 * d for s, d in zip(body, motion(body, torque), strict=True)))
        body = Body(*(s + h * d for s, d in zip(body, motion(half, torque), strict=True)))
    return body
