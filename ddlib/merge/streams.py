r"""A stream of random numbers for each patient, whoever else is in the table.

A number is a hash of the patient's key, of what it is for, and of its place: SplitMix64 (Steele, Lea and Flood 2014), whose k-th
number is :math:`h(\text{key} + k \gamma)`, with h a mixing function of 64 bits and γ an odd constant. There is no state, so that
neither the order of patients nor their number can change anything.

- G. L. Steele, D. Lea, C. H. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014, 453–472.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["Streams"]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


class Streams(NamedTuple):
    """Random numbers of some patients.

    Attributes:
        keys: of the patients; equal keys give equal numbers.

    >>> both, one = Streams.of(["p1", "p2"], 0), Streams.of(["p2"], 0)
    >>> both.uniform(3, 4).shape, bool((both.uniform(3, 4)[1] == one.uniform(3, 4)[0]).all())
    (torch.Size([2, 4]), True)
    """

    keys: np.ndarray

    @classmethod
    def of(cls, names: Sequence[str | int], *about: str | int) -> Streams:
        """The streams of patients by their names.

        Args:
            names: of the patients.
            about: what else the numbers depend on: a seed, a table, a draw.
        """
        begin = hashlib.blake2b(repr(about).encode(), digest_size=8)

        def key(name: str | int) -> int:
            own = begin.copy()
            own.update(str(name).encode("utf-8", "surrogatepass"))
            return int.from_bytes(own.digest(), "little")

        return cls(np.array([key(name) for name in names], dtype=np.uint64))

    @classmethod
    def common(cls, number: int, *about: str | int) -> Streams:
        """One stream for all of so many patients, so that what they have in common is alike."""
        return cls(np.repeat(cls.of([""], *about).keys, number))

    def uniform(self, use: int, entries: int) -> Float[Tensor, "n entries"]:
        """Numbers between 0 and 1, neither included.

        Args:
            use: what they are for; another one for each call.
            entries: how many each patient gets.
        """
        with np.errstate(over="ignore"):
            key = _mixed(self.keys + np.uint64(use + 1) * _FACTORS[0])
            bits = _mixed(key[:, None] + np.arange(1, entries + 1, dtype=np.uint64) * _GAMMA)
        return torch.from_numpy(((bits >> np.uint64(12)).astype(float) + 0.5) * 2.0**-52)

    def normal(self, use: int, entries: int) -> Float[Tensor, "n entries"]:
        """Standard normal numbers; arguments as in :meth:`uniform`."""
        return torch.special.ndtri(self.uniform(use, entries))


def _mixed(bits: np.ndarray) -> np.ndarray:
    """A bijection of 64 bits in which each bit depends on all."""
    bits = (bits ^ (bits >> np.uint64(30))) * _FACTORS[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _FACTORS[1]
    return bits ^ (bits >> np.uint64(31))
