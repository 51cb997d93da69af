"""The slow, graded state of an astrocyte as an associative memory."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neuro.clock import Clock
from neuro.errors import InvalidValue


class AstrocyteMemory(nn.Module):
    """What an astrocyte remembers of the cleft: `o, state = memory(key, value, query, state)`.

        H_t = gamma H_{t-1} + v_t k_t^T,   o_t = H_t q_t / sqrt(d_k),   gamma = exp(-dt / tau)

    In continuous time tau dH/dt = -H + v k^T with tau far above a membrane's (astrocytes are
    slow). H is dense and graded: hardware that holds only spikes cannot hold it.

    The steps of one chunk are done at once, as a masked product of queries and keys; only H
    passes from chunk to chunk. The result is that of the recurrence. Memory for training grows as
    T * chunk; chunk=1 is the recurrence itself, whose cost per step does not depend on T.

    Args:
        heads: number of independent memories.
        clock: duration of one step of the input.
        tau: time constants in seconds, above 0; one number, or one per head.
        learn: whether to train `tau` (through its logarithm, so it stays above 0).
        chunk: steps done at once.

    Shapes:
        key, query: [T, B, heads, d_k]; value: [T, B, heads, d]; output: [T, B, heads, d];
        state: H [B, heads, d, d_k], zero if None.

    Raises:
        InvalidValue: `heads`, `tau` or `chunk` out of range; shapes that do not fit each other.

    Source: Shen et al., arXiv 2312.07625 v2 (2023), the astrocyte process of the unit's figure.
    The recurrence is a reconstruction, the text gives none; its parallel form is the retention of
    Sun et al., arXiv 2307.08621 (2023), eqs. 5 to 7.
    """

    def __init__(
        self,
        heads: int,
        clock: Clock,
        *,
        tau: float | Sequence[float],
        learn: bool = True,
        chunk: int = 64,
    ) -> None:
        super().__init__()
        if heads < 1 or chunk < 1:
            raise InvalidValue(
                f"AstrocyteMemory: got heads={heads}, chunk={chunk}, expected both at least 1"
            )
        seconds = torch.as_tensor(tau, dtype=torch.float64)
        if seconds.shape not in ((), (heads,)):
            raise InvalidValue(
                f"AstrocyteMemory.tau: got shape {tuple(seconds.shape)}, expected one number or "
                f"one per head, ({heads},)"
            )
        if not bool((seconds.isfinite() & (seconds > 0)).all()):
            raise InvalidValue(f"AstrocyteMemory.tau: got {tau} s, expected finite values above 0")
        self.heads, self.clock, self.chunk = heads, clock, chunk
        log_tau = seconds.expand(heads).log().float()
        self.log_tau = nn.Parameter(log_tau, requires_grad=learn)

    def gamma(self) -> Tensor:
        """Decay of H in one step [heads], in float64; between 0 and 1."""
        return torch.exp(-self.clock.dt / self.log_tau.double().exp())

    def forward(
        self, key: Tensor, value: Tensor, query: Tensor, state: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """All steps; see the class."""
        state = self._checked(key, value, query, state)
        query = query * key.shape[-1] ** -0.5
        longest = min(self.chunk, len(key))
        lags = torch.arange(longest + 1, device=key.device)
        powers = (self.gamma()[:, None] ** lags).to(key.dtype)  # [heads, longest + 1]
        lag = (lags[1:, None] - lags[None, 1:]).clamp(min=0)  # of step t behind step s
        decay = powers[:, lag].tril()  # no step sees a later one
        answers = []
        for k, v, q in zip(*(x.split(longest) for x in (key, value, query)), strict=True):
            n = len(k)
            match = torch.einsum("tbhi,sbhi->bhts", q, k) * decay[:, :n, :n]
            inside = torch.einsum("bhts,sbhj->tbhj", match, v)
            faded = powers[:, 1 : n + 1].T[:, None, :, None]  # gamma^(t+1), H at step t
            before = torch.einsum("tbhi,bhji->tbhj", q * faded, state)
            left = powers[:, :n].flip(1).T[:, None, :, None]  # gamma^(n-1-t), at the chunk's end
            state = powers[:, n, None, None] * state + torch.einsum("tbhj,tbhi->bhji", v * left, k)
            answers.append(inside + before)
        return torch.cat(answers), state

    def _checked(self, key: Tensor, value: Tensor, query: Tensor, state: Tensor | None) -> Tensor:
        if key.ndim != 4 or key.shape[2] != self.heads or 0 in key.shape:
            raise InvalidValue(
                f"AstrocyteMemory.key: got shape {tuple(key.shape)}, expected "
                f"[T, B, {self.heads}, d_k] with no axis empty"
            )
        if query.shape != key.shape:
            raise InvalidValue(
                f"AstrocyteMemory.query: got shape {tuple(query.shape)}, expected that of the key, "
                f"{tuple(key.shape)}"
            )
        if value.ndim != 4 or value.shape[:3] != key.shape[:3] or 0 in value.shape:
            raise InvalidValue(
                f"AstrocyteMemory.value: got shape {tuple(value.shape)}, expected "
                f"{[*key.shape[:3]]} and d"
            )
        shape = (key.shape[1], self.heads, value.shape[3], key.shape[3])
        if state is None:
            return key.new_zeros(shape)
        if state.shape != shape:
            raise InvalidValue(
                f"AstrocyteMemory.state: got shape {tuple(state.shape)}, expected "
                f"[B, heads, d, d_k] = {shape}. Pass state=None when batch or layer changes."
            )
        return state

    def extra_repr(self) -> str:
        with torch.no_grad():
            tau = ", ".join(f"{t:.4g}" for t in self.log_tau.double().exp().tolist())
        return f"{self.heads}, {self.clock!r}, tau=[{tau}], chunk={self.chunk}"
