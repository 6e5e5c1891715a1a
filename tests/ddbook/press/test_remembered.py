"""What code reaches is the same whether it is remembered or not, and nothing is remembered of other code."""

import pytest

from ddbook.press.reach import Code
from ddbook.press.remembered import FOLDER, Remembered

CELLS = ["from ddlib.one import one", "one()"]


@pytest.fixture
def root(tmp_path):
    (tmp_path / "ddlib").mkdir()
    (tmp_path / "ddlib" / "one.py").write_text("def one():\n    return 1\n\n\ndef two():\n    return 2\n")
    return tmp_path


def ask(root):
    code = Remembered(root, root)
    return code.reached_by_cells(CELLS), code.reached_by("ddlib.one", "one"), code.reached_by("ddlib.one", "two")


def test_an_answer_is_that_of_the_source_each_time(root):
    for text in ("return 1", "return 3", "return 1"):
        path = root / "ddlib" / "one.py"
        path.write_text(path.read_text().replace("return 3", "return 1").replace("return 1", text))
        code = Code(root, ("ddlib",))
        for _ in range(2):
            assert ask(root) == (
                code.reached_by_cells(CELLS),
                code.reached_by("ddlib.one", "one"),
                code.reached_by("ddlib.one", "two"),
            )


@pytest.mark.parametrize("content", ["", "{}", '{"ddlib/one.py": "0000000000000000"}', "[1]"])
def test_an_answer_that_was_damaged_is_found_anew(root, content):
    before = ask(root)
    for path in (root / FOLDER).iterdir():
        path.write_text(content)
    assert ask(root) == before


def test_a_remembered_answer_needs_no_source_to_be_read(root, monkeypatch):
    before = ask(root)
    monkeypatch.setattr(Code, "reached_by_cells", None)
    monkeypatch.setattr(Code, "reached_by", None)
    assert ask(root) == before
