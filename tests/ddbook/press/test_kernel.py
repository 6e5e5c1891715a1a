import subprocess
import sys

import pytest

from ddbook.press.kernel import PeakMemory


@pytest.mark.parametrize("seconds", [0.1, 0.7])
def test_the_peak_of_a_child_is_seen_however_short_it_lives(seconds):
    with PeakMemory() as memory:
        subprocess.run([sys.executable, "-c", f"import time; held = bytearray(60_000_000); time.sleep({seconds})"], check=True)
    assert memory.peak > 60e6
