"""What the key of a run holds."""

import pytest

from ddbook.press.freshness import Today
from ddbook.press.key import KEYING, Basis, differences
from tests import ROOT

BEFORE = Basis("a", {"ddlib/x.py": "1", "ddlib/y.py": "2"}, {"seed": 0}, {"torch": "2"})


def test_every_part_counts_and_each_difference_is_named():
    changes = {
        "the notebook's code": BEFORE._replace(cells="b"),
        "ddlib/x.py": BEFORE._replace(code={**BEFORE.code, "ddlib/x.py": "3"}),
        "ddlib/y.py": BEFORE._replace(code={"ddlib/x.py": "1"}),
        "ddlib/z.py": BEFORE._replace(code={**BEFORE.code, "ddlib/z.py": "3"}),
        "seed = 1 instead of 0": BEFORE._replace(parameters={"seed": 1}),
        "torch 3 instead of 2": BEFORE._replace(versions={"torch": "3"}),
    }
    assert differences(BEFORE, BEFORE) == []
    assert {name: differences(BEFORE, after) for name, after in changes.items()} == {name: [name] for name in changes}
    assert len({BEFORE.key, *(after.key for after in changes.values())}) == len(changes) + 1


def test_the_key_does_not_depend_on_the_order_of_its_parts():
    turned = BEFORE._replace(code=dict(reversed(BEFORE.code.items())))
    assert turned.key == BEFORE.key


def test_every_chapter_reaches_the_recorder_and_none_the_files_that_only_find_out_what_is_fresh():
    """The names of the latter are those of files: one that is renamed would be in every key again."""
    press = ROOT / "ddbook" / "press"
    assert all((press / name).is_dir() or (press / f"{name}.py").is_file() for name in KEYING)
    today = Today(ROOT, "smoke", {})
    for stem in today.parameters:
        code = today.basis(stem).code
        assert "ddbook/press/record.py" in code
        assert not [name for name in code if name.startswith(tuple(f"ddbook/press/{one}" for one in KEYING))]


@pytest.mark.parametrize("profile", ["smoke", "paper"])
def test_a_basis_is_the_same_each_time(profile):
    stem = "04_merge_hospitals"
    assert Today(ROOT, profile, {}).basis(stem) == Today(ROOT, profile, {}).basis(stem)
