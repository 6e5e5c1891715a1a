"""The reference's table in place of one whose data are missing."""

import pytest

from ddbook.press.recorded import recorded
from ddbook.press.run import run
from ddlib.files import InputError
from tests.ddbook.press.notebooks import project, write


@pytest.fixture
def root(tmp_path):
    made = project(tmp_path / "project")
    folder = made / "reference" / "01_small" / "results"
    folder.mkdir(parents=True)
    (folder / "scores.csv").write_text("method,seed\nexact,0\n")
    return made


def test_a_recorded_table_is_read_and_a_missing_one_is_named(root, monkeypatch):
    monkeypatch.chdir(root)
    assert recorded("01_small", "scores").to_dict("list") == {"method": ["exact"], "seed": [0]}
    with pytest.raises(InputError, match="01_small has no table curves"):
        recorded("01_small", "curves")


def test_it_is_an_input_of_the_run(root):
    cell = "from ddbook.press.recorded import recorded\nprint(recorded('01_small', 'scores'))"
    notebook = write(root / "notebooks" / "01_small.ipynb", "import json", cell)
    found = run(notebook, say=lambda line: None)
    assert found.state == "ok" and "reference/01_small/results/scores.csv" in found.inputs
