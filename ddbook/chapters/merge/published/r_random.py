"""Random numbers as R draws them by default, so that a run that was made in R can be repeated number by number.

Uniform numbers come from the Mersenne Twister, seeded by R's own linear congruences; normal ones by inversion from 54 bits; whole
numbers by rejection of bits (the documentation of R, ``?Random``, versions from 3.6 on). Written from that documentation and from
Matsumoto and Nishimura (1998); NumPy has the twister.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

_HALF, _BIG = 0.5 * 2.328306437080797e-10, 2.0**27
_WORDS = 624


class RRandom:
    """What ``set.seed(seed)`` begins in R.

    >>> RRandom(88).normal(2).round(6).tolist()
    [-0.226256, 0.64657]
    """

    def __init__(self, seed: int) -> None:
        state, words = seed % 2**32, []
        for turn in range(50 + 1 + _WORDS):
            state = (69069 * state + 1) % 2**32
            if turn > 50:  # the first fifty are warm-up, and one more is R's place for the position
                words.append(state)
        self._twister = np.random.RandomState()
        self._twister.set_state(("MT19937", np.array(words, dtype=np.uint32), _WORDS, 0, 0.0))

    def uniform(self, number: int) -> np.ndarray:
        """``runif(number)``."""
        drawn = self._twister.randint(0, 2**32, size=number, dtype=np.uint32) * 2.3283064365386963e-10
        return drawn.clip(_HALF, 1 - _HALF)

    def normal(self, number: int) -> np.ndarray:
        """``rnorm(number)``."""
        first, second = self.uniform(2 * number).reshape(number, 2).T
        return ndtri((np.floor(_BIG * first) + second) / _BIG)

    def index(self, number: int) -> int:
        """``sample(number, 1) - 1``."""
        bits = int(np.ceil(np.log2(number)))
        while True:
            value = 0
            for _ in range(0, bits + 1, 16):
                value = 65536 * value + int(65536 * self.uniform(1)[0])
            value &= 2**bits - 1
            if value < number:
                return value
