"""A notebook that changes what is loaded of the project is told from one that only uses it."""

import pytest

from ddbook.press.disturbed import disturbs
from ddbook.press.key import code_cells
from ddbook.press.profiles import chapters
from tests import ROOT

IMPORTS = "import ddlib.merge.merging, torch\nfrom ddlib import pinn\nfrom ddbook.kit import looks as l\nimport numpy as np"


@pytest.mark.parametrize(
    "code",
    [
        "ddlib.merge.merging.LEAST = 1",
        "pinn.PROBLEMS['x'] = 2",
        "pinn.PROBLEMS.update(x=2)",
        "del pinn.PROBLEMS['heat']",
        "setattr(l, 'color', None)",
        "if True:\n    l.TABLE += [1]\n    l.color = None",
        "@pinn.dispatch.register\ndef mine(x: int):\n    return x",
        "def later():\n    l.color = None",
        "np.x = 1",
        "np.seterr(all='raise')",
        "torch.set_flush_denormal(True)",
        "torch.backends.mkldnn.enabled = False",
        "from torch import set_num_threads\nset_num_threads(2)",
        "import pandas\npandas.options.mode.copy_on_write = True",
    ],
)
def test_what_changes_the_project_in_place_is_seen(code):
    assert disturbs([IMPORTS, code])


@pytest.mark.parametrize(
    "code",
    [
        "x = {}\nx['a'] = 1",
        "x = np.zeros(3)\nx[0] = 1",
        "ax = l.axes()\nax.set_title('a')",
        "y = pinn.PROBLEMS['heat']",
        "l.use()",
        "rows = []\nrows.append(1)",
    ],
)
def test_what_only_uses_it_is_not(code):
    assert not disturbs([IMPORTS, code])


def test_no_chapter_does_so():
    """Or nothing of it would be kept."""
    assert [path.stem for path in chapters(ROOT / "notebooks") if disturbs(code_cells(path))] == []
