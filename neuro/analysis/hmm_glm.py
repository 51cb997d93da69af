"""Spiking networks whose couplings switch between hidden states: the HMM-GLM and its fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from neuro.analysis.hidden_markov import forward_backward, viterbi_path
from neuro.errors import InvalidValue, UnknownName, require

Array = NDArray[np.float64]
Prior = Literal["none", "gauss", "onehot"]
_PRIORS = ("none", "gauss", "onehot")
_STAY = 0.98  # probability of keeping the state, before anything is known
_FLOOR = np.exp(-8)  # of a transition's probability
_TEMPERATURE = 0.2  # of the Gumbel-softmax
_SURE = 2.0  # logit of a type at first, for each unit of weight
_WEAK = 0.3  # least strength at first
_SPREAD = 1 / 3  # standard deviation of the weights about their mean over states


@dataclass(frozen=True, eq=False)
class SwitchingGLM:
    """Poisson neurons coupled with weights that depend on a hidden Markov state.

        rate(t, n) = sigmoid(b_n + sum_m w_{z(t), n, m} h(t, m)),  h(t, m) = sum_k phi_k x(t - k, m)

    phi_k is proportional to exp(-k), k = 1 ... lags, with sum 1; before the start x is 0. Counts
    are Poisson, z is a Markov chain.

    Args:
        weights: [S, N, N], entry s, n, m from unit m to unit n in state s.
        bias: [N].
        initial: probability of each state at the first bin [S].
        transition: [S, S], row i holds the probabilities of what follows state i.
        lags: bins that a spike is felt.
    """

    weights: Array
    bias: Array
    initial: Array
    transition: Array
    lags: int

    def log_likelihood(self, spikes: ArrayLike) -> Array:
        """Log probability of each sequence, states summed out, in nats [B] (0-d for [T, N]).

        Args:
            spikes: counts [T, N] or [B, T, N].
        """
        counts = np.asarray(spikes)
        found = forward_backward(self._log_emission(counts), self.initial, self.transition)
        return found.log_likelihood.reshape(counts.shape[:-2])

    def viterbi(self, spikes: ArrayLike) -> NDArray[np.int64]:
        """The likeliest path of states, [T] or [B, T].

        Args:
            spikes: counts [T, N] or [B, T, N].
        """
        counts = np.asarray(spikes)
        path = viterbi_path(self._log_emission(counts), self.initial, self.transition)
        return path.reshape(counts.shape[:-1])

    def posterior(self, spikes: ArrayLike) -> Array:
        """Probability of each state in each bin, [T, S] or [B, T, S]."""
        counts = np.asarray(spikes)
        found = forward_backward(self._log_emission(counts), self.initial, self.transition)
        return found.states.reshape(*counts.shape[:-1], len(self.weights))

    def sample(
        self, bins: int, sequences: int = 1, *, seed: int = 0
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Counts [B, T, N] and states [B, T] drawn from the model.

        Args:
            bins: T.
            sequences: B.
            seed: of states and counts.
        """
        random = np.random.default_rng([seed])
        phi = kernel(self.lags)
        counts = np.zeros((sequences, bins + self.lags, len(self.bias)), np.int64)
        states = np.empty((sequences, bins), np.int64)
        for t in range(bins):
            chance = self.transition[states[:, t - 1]] if t else self.initial[None]
            drawn = random.random((sequences, 1)) >= np.cumsum(chance, axis=1)[:, :-1]
            states[:, t] = drawn.sum(axis=1)
            # counts[:, t + lags] is bin t; the bin before it comes first
            felt = np.einsum("k,bkm->bm", phi, counts[:, t : t + self.lags][:, ::-1])
            drive = self.bias + np.einsum("bnm,bm->bn", self.weights[states[:, t]], felt)
            counts[:, t + self.lags] = random.poisson(_sigmoid(drive))
        return counts[:, self.lags :], states

    def _log_emission(self, spikes: NDArray[Any]) -> Array:
        x = checked("SwitchingGLM.spikes", spikes)
        if x.shape[2] != len(self.bias):
            raise InvalidValue(
                f"SwitchingGLM.spikes: {x.shape[2]} units, expected {len(self.bias)}"
            )
        drive = self.bias + np.einsum("btm,snm->bstn", filtered(x, self.lags), self.weights)
        log_rate = -np.logaddexp(0, -drive)
        terms = x[:, None] * log_rate - np.exp(log_rate)
        gammaln = require("scipy.special", "sim").gammaln
        constant = gammaln(x + 1).sum(axis=2)
        return terms.sum(axis=3).transpose(0, 2, 1) - constant[..., None]


@dataclass(frozen=True)
class HMMGLM:
    """How to fit a `SwitchingGLM`: expectation maximisation with Adam for the weights.

    Priors tie the states' weights together, which pays when there is little data:

    - "none": each state has weights of its own.
    - "gauss": w_s is normal about the mean over states with a standard deviation of 1/3.
    - "onehot": w_s = (A_exc - A_inh) softplus(strength), with A over (inhibitory, none,
      excitatory): drawn by Gumbel-softmax (temperature 0.2) while weights are trained, its mean
      when states are inferred, and the likeliest type in the fitted model. The types of all
      states are tied to a common A_0 by tie * KL(A_s || A_0), instead of the source's
      Gumbel-softmax density. No unit couples to itself. The fit starts from that with the prior
      "gauss", which doubles its time.

    Args:
        states: S.
        lags: bins that a spike is felt.
        prior: see above.
        rounds: of expectation and maximisation.
        steps: of Adam in each round.
        rate: of Adam.
        restarts: fits from other starts; the one with the highest likelihood times prior is kept.
        tie: strength of the prior on types, in nats per pair.

    Raises:
        InvalidValue: a number is out of range.
        UnknownName: an unknown prior.

    Source: Li, Kim, Rodgers, Choi & Wu, One-hot Generalized Linear Model for Switching Brain State
    Discovery, ICLR 2024, arXiv 2310.15263.
    """

    states: int
    lags: int = 5
    prior: Prior = "none"
    rounds: int = 25
    steps: int = 20
    rate: float = 0.03
    restarts: int = 2
    tie: float = 3.0

    def __post_init__(self) -> None:
        for field in ("states", "lags", "rounds", "steps", "restarts"):
            value = getattr(self, field)
            if value != int(value) or value < 1:
                raise InvalidValue(f"HMMGLM.{field}: got {value!r}, expected a whole number >= 1")
        if self.prior not in _PRIORS:
            raise UnknownName("HMMGLM.prior", self.prior, _PRIORS)
        if not self.rate > 0 or not self.tie >= 0:
            raise InvalidValue(
                f"HMMGLM: got rate={self.rate!r} and tie={self.tie!r}, expected > 0 and >= 0"
            )

    def fit(self, spikes: ArrayLike, seed: int = 0) -> SwitchingGLM:
        """The model of these counts.

        Args:
            spikes: whole counts [T, N] or [B, T, N].
            seed: of the starting weights and the types drawn in training.

        Raises:
            InvalidValue: no counts of that shape.
            MissingExtra: PyTorch is not installed.
        """
        x = checked("HMMGLM.fit.spikes", np.asarray(spikes))
        torch = require("torch", "train")
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # sums in one order, and faster for tensors this small
        try:
            fits = [self._fit_once(x, seed, start) for start in range(self.restarts)]
        finally:
            torch.set_num_threads(threads)
        value = [float(model.log_likelihood(x).sum()) - penalty for model, penalty in fits]
        return fits[int(np.argmax(value))][0]

    def _fit_once(self, x: Array, seed: int, start: int) -> tuple[SwitchingGLM, float]:
        """A fit from one start, and minus the log of its prior."""
        before = None
        if self.prior == "onehot":  # types found from nothing mostly end in a poor optimum
            before = replace(self, prior="gauss")._fit_once(x, seed, start)[0]
        torch = require("torch", "train")
        random = np.random.default_rng([seed, start])
        noise = torch.Generator().manual_seed(int(random.integers(2**62)))
        s, n = self.states, x.shape[2]
        parameters = {
            name: torch.tensor(value, dtype=torch.float64, requires_grad=True)
            for name, value in _start(random, before, s, n).items()
        }
        adam = torch.optim.Adam(parameters.values(), lr=self.rate)
        felt = torch.tensor(filtered(x, self.lags).reshape(-1, n))
        counts = torch.tensor(x.reshape(-1, n))
        initial = np.full(s, 1 / s)
        transition = np.full((s, s), (1 - _STAY) / max(1, s - 1))
        np.fill_diagonal(transition, _STAY if s > 1 else 1.0)
        if before is not None:
            initial, transition = before.initial, before.transition

        def model(types: str) -> SwitchingGLM:
            with torch.no_grad():
                weights = self._weights(parameters, types).numpy().copy()
                bias = parameters["bias"].numpy().copy()
            return SwitchingGLM(weights, bias, initial, transition, self.lags)

        for _ in range(self.rounds):
            found = forward_backward(model("mean")._log_emission(x), initial, transition)
            gamma = torch.tensor(found.states.reshape(-1, s))
            for _ in range(self.steps):
                adam.zero_grad()
                weights = self._weights(parameters, "drawn", noise)
                drive = (felt @ weights.reshape(s * n, n).T).reshape(-1, s, n) + parameters["bias"]
                log_rate = torch.nn.functional.logsigmoid(drive)
                fit = (counts[:, None] * log_rate - log_rate.exp()).sum(dim=2)
                loss = -(gamma * fit).sum() + self._penalty(parameters, weights)
                loss.backward()
                adam.step()
            initial = found.states[:, 0].mean(axis=0)
            moved = np.maximum(found.transitions, 1e-12)
            transition = np.maximum(moved / moved.sum(axis=1, keepdims=True), _FLOOR)
            transition = transition / transition.sum(axis=1, keepdims=True)
        with torch.no_grad():
            penalty = float(self._penalty(parameters, self._weights(parameters, "mean")))
        return model("likeliest"), penalty

    def _weights(self, parameters: dict[str, Any], types: str, noise: Any = None) -> Any:
        """Weights [S, N, N]; types are the "mean", the "likeliest", or "drawn" with noise."""
        if self.prior != "onehot":
            return parameters["weights"]
        torch = require("torch", "train")
        logits = parameters["types"]
        if types == "likeliest":
            share = torch.nn.functional.one_hot(logits.argmax(dim=-1), 3).to(logits.dtype)
        elif types == "mean":
            share = logits.softmax(-1)
        else:
            uniform = torch.rand(logits.shape, generator=noise, dtype=logits.dtype)
            gumbel = -torch.log(-torch.log(uniform.clamp(1e-12, 1 - 1e-12)))
            share = ((logits.log_softmax(-1) + gumbel) / _TEMPERATURE).softmax(-1)
        strength = torch.nn.functional.softplus(parameters["strength"])
        others = 1 - torch.eye(logits.shape[1], dtype=logits.dtype)
        return (share[..., 2] - share[..., 0]) * strength * others

    def _penalty(self, parameters: dict[str, Any], weights: Any) -> Any:
        if self.prior == "none":
            return 0.0
        if self.prior == "gauss":
            return ((weights - weights.mean(dim=0)) ** 2).sum() / (2 * _SPREAD**2)
        log_types = parameters["types"].log_softmax(-1)
        away = log_types.exp() * (log_types - parameters["common"].log_softmax(-1))
        return self.tie * away.sum()


def _start(
    random: np.random.Generator, before: SwitchingGLM | None, s: int, n: int
) -> dict[str, Array]:
    """Parameters at first: random weights, or types that stand for the weights of a model."""
    if before is None:
        return {"bias": np.zeros(n), "weights": random.normal(0, 0.5, (s, n, n))}
    w = before.weights
    types = _SURE * np.stack([-w, np.zeros_like(w), w], axis=-1)
    strength = np.log(np.expm1(np.maximum(np.abs(w), _WEAK)))  # softplus of it is |w|
    common = types.mean(axis=0)
    return {"bias": before.bias, "strength": strength, "types": types, "common": common}


def kernel(lags: int) -> Array:
    """phi_k proportional to exp(-k), k = 1 ... lags, with sum 1 [lags]."""
    shape = np.exp(-np.arange(1.0, lags + 1))
    return shape / shape.sum()


def filtered(spikes: Array, lags: int) -> Array:
    """h [B, T, N], each bin's weighted sum of the `lags` bins before it."""
    result = np.zeros(spikes.shape, np.float64)
    for k, phi in enumerate(kernel(lags), start=1):
        result[:, k:] += phi * spikes[:, :-k]
    return result


def checked(where: str, spikes: NDArray[Any]) -> Array:
    """Counts [B, T, N] as float64."""
    x = spikes[None] if spikes.ndim == 2 else spikes
    if x.ndim != 3 or 0 in x.shape or x.shape[1] < 2:
        raise InvalidValue(f"{where}: got shape {spikes.shape}, expected [T, N] or [B, T, N]")
    if x.dtype.kind not in "biuf" or not ((x >= 0) & (x == np.rint(x))).all():
        raise InvalidValue(f"{where}: expected whole counts >= 0")
    return x.astype(np.float64)


def _sigmoid(drive: Array) -> Array:
    return np.exp(-np.logaddexp(0, -drive))
