"""The present run over the reference, where the parameters agree."""

import json

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest

from ddbook.kit import figures
from ddbook.kit.overlay import NOT_OURS, lay_over
from ddbook.press.overlay import Reference, over_reference
from ddbook.press.run import run
from tests.ddbook.book.fake import record
from tests.ddbook.press.notebooks import project, write

STEM = "01_curves"
PARAMETERS = "steps: int = 5  # effort\nnoise: float = 0.3  # of the data\nreplicates: int = 2  # seeds"
CELL = """\
import pandas as pd
from ddbook.kit import figures
from ddbook.press import Recorder
record = Recorder("01_curves")
def draw(scores, scale):
    figure, axes = figures.panels()
    axes.plot(scores.x, scale * scores.y, color="#0072B2")
    return figure
scores = record.table("scores", pd.DataFrame({"x": [0, 1], "y": [0.0, 1.0]}))
steps = 99  # what a chapter does with a name later changes nothing
record.figure("curve", record.over_reference(draw, scores, 2.0), alt="A line", caption="A line.")"""


@pytest.fixture
def house(tmp_path):
    root = project(tmp_path)
    write(root / "notebooks" / f"{STEM}.ipynb", CELL, parameters=PARAMETERS)
    place = root / "reference" / STEM
    (place / "results").mkdir(parents=True)
    (place / "results" / "scores.csv").write_text("x,y\n0,5.0\n1,6.0\n2,7.0\n")
    reference(root, {"steps": 50, "noise": 0.3, "replicates": 10})
    return root


def reference(root, parameters):
    made = record(STEM).model_copy(update={"parameters": parameters})
    (root / "reference" / STEM / "run.json").write_text(made.model_dump_json())


def caption(root, **given):
    done = run(root / "notebooks" / f"{STEM}.ipynb", profile=None, given=given, force=True, say=lambda _: None)
    assert done.state == "ok", done.failure
    executed = nbformat.read(root / "_build" / "manual" / "runs" / STEM / "notebook.ipynb", as_version=4)
    html = "".join(output.data["text/html"] for output in executed.cells[-1].outputs)
    assert 'id="figure-curve"' in html
    return html.partition("<figcaption")[2]


@pytest.mark.notebook
def test_a_smaller_run_of_the_same_study_lies_over_the_reference(house):
    assert "Small diamonds: the reference run (steps = 50; replicates = 10)." in caption(house)
    assert "steps" not in caption(house, replicates=10, steps=50)
    text = caption(house, noise=0.5)
    assert "The reference run is not drawn: noise is 0.5 here and 0.3 there." in text
    (house / "reference" / STEM / "results" / "scores.csv").write_text("a,b\n0,5.0\n")
    assert "its tables do not fit" in caption(house)
    (house / "reference" / STEM / "run.json").unlink()
    assert "reference" not in caption(house)


def lines(axes):
    return {line.get_label(): line for line in axes.get_lines()}


def test_curves_lie_as_small_hollow_diamonds_over_the_figure_and_widen_the_panel():
    here, axes = figures.panels()
    axes.plot([0, 1, 2], [0, 1, 1], "o-", color="red", label="ours")
    there, other = figures.panels()
    other.plot([0, 2, 4], [5, 5, 6], color="red", label="ours")
    other.plot([2], [3], "o", color="blue", markersize=4)
    other.plot(range(100), [4] * 100, color="green")
    other.axhline(9)
    other.plot([1, 2], [1, 1], "|")
    other.plot([1, 2], [1, 1], color="red")  # an interval
    lay_over(here, there)
    over = [line for line in axes.get_lines() if line.get_label() == "_reference"]
    assert [len(line.get_xdata()) for line in over] == [3, 1, 100]
    assert [line.get_color() for line in over] == ["red", "blue", "green"]
    assert all(line.get_zorder() > lines(axes)["ours"].get_zorder() for line in over)
    assert all(line.get_markersize() < 0.8 * lines(axes)["ours"].get_markersize() for line in over)
    assert {(line.get_marker(), line.get_markerfacecolor(), line.get_linestyle()) for line in over} == {("D", "none", "None")}
    assert 5 < len(over[2].get_xdata()[:: over[2].get_markevery()]) < 20
    assert axes.get_xlim()[1] >= 4
    assert axes.get_ylim()[1] < 9
    assert not plt.fignum_exists(there.number)
    plt.close(here)


def test_what_is_not_the_runs_own_is_not_copied():
    here, axes = figures.panels()
    there, other = figures.panels()
    other.plot([1, 2, 3], [3, 4, 5], gid=NOT_OURS)
    assert lay_over(here, there) == 0
    assert axes.get_lines() == []
    plt.close(here)


@pytest.mark.parametrize(
    ("places", "names", "fits"),
    [
        ([0, 1], ["Poisson", "Burgers"], True),
        ([0, 1, 2], ["Poisson", "Burgers", "wave"], True),  # more of them
        ([0, 1], ["Poisson", "Burgers\n3 networks"], True),  # more said of one
        ([0, 1], ["Poisson", "wave"], False),
        ([0, 1, 2], ["Poisson", "wave", "Burgers"], False),
        ([0, 2], ["Poisson", "Burgers"], False),  # the same name elsewhere
    ],
)
def test_rows_of_other_names_never_lie_under_each_other(places, names, fits):
    here, axes = figures.panels()
    axes.set_yticks([0, 1], ["Poisson", "Burgers"])
    there, other = figures.panels()
    other.plot([1, 2], [0, 1])
    other.set_yticks(places, names)
    if fits:
        assert lay_over(here, there) == 1
    else:
        with pytest.raises(ValueError, match="cannot lie over"):
            lay_over(here, there)
    plt.close("all")


def test_panels_that_share_an_axis_lie_under_each_other_all_or_none():
    def draw(names, second):
        figure, (left, right) = figures.panels(columns=2, sharey=True)
        for axes in (left, right):
            axes.plot([1, 2], [0, 1])
        left.set_yticks([0, 1], names)
        right.set_xticks([1, 2], second)
        return figure

    here = draw(["Poisson", "Burgers"], ["a", "b"])
    assert lay_over(here, draw(["Poisson", "Burgers"], ["a", "b"])) == 2
    counts = [len(axes.get_lines()) for axes in here.axes]
    with pytest.raises(ValueError, match="cannot lie over"):
        lay_over(here, draw(["Poisson", "Burgers"], ["a", "c"]))
    assert [len(axes.get_lines()) for axes in here.axes] == counts == [2, 2]
    plt.close("all")


def drawn(tmp_path, here, there):
    """What a figure of tables is drawn from the second time: the reference's rows."""
    place = tmp_path / "reference" / STEM
    (place / "results").mkdir(parents=True)
    there.to_csv(place / "results" / "scores.csv", index=False)
    (place / "run.json").write_text(record(STEM).model_copy(update={"parameters": {"replicates": 99}}).model_dump_json())
    seen = []

    def draw(argument):
        seen.append(argument)
        figure, axes = figures.panels()
        axes.plot([0, 1], [0, 1])
        return figure

    figure, note = over_reference(Reference(STEM, tmp_path / "reference"), {"scores": here}, draw, here)
    plt.close(figure)
    return seen[-1], note


def test_of_the_reference_only_what_occurs_in_this_run_is_drawn(tmp_path):
    here = pd.DataFrame({"problem": ["a", "b"], "budget": [1, 1], "error": [0.1, 0.2]})
    there = pd.DataFrame({"problem": ["a", "b", "c"], "budget": [1, 2, 1], "error": [1.0, 2.0, 3.0]})
    table, note = drawn(tmp_path, here, there)
    assert table.error.tolist() == [1.0, 2.0]
    assert note == "Small diamonds: the reference run (replicates = 99)."


def test_other_settings_than_in_this_run_leave_the_reference_s_rows_in(tmp_path):
    here = pd.DataFrame({"method": ["ours"], "value": [3.0], "task.data": ["2x9 #0badcafe"]})
    there = pd.DataFrame({"method": ["ours", "random"], "value": [1.0, 2.0], "task.data": ["9x9 #cafe0bad"] * 2})
    table, _ = drawn(tmp_path, here, there)
    assert table.value.tolist() == [1.0]


def test_a_figure_without_a_recorded_table_does_not_lie_under_itself(tmp_path):
    frame = pd.DataFrame({"x": [1.0]})
    reference = tmp_path / "reference" / STEM
    (reference / "results").mkdir(parents=True)
    (reference / "run.json").write_text(record(STEM).model_copy(update={"parameters": {"replicates": 99}}).model_dump_json())
    figure, note = over_reference(Reference(STEM, tmp_path / "reference"), {}, lambda table: figures.panels()[0], frame)
    plt.close(figure)
    assert "is not drawn" in note


def test_a_panel_with_limits_of_its_own_keeps_them():
    here, axes = figures.panels()
    axes.plot([0, 1], [0, 1])
    axes.set_ylim(0, 1)
    there, other = figures.panels()
    other.plot([0, 1], [5, 6])
    lay_over(here, there)
    assert axes.get_ylim() == (0, 1)
    plt.close(here)


def test_figures_of_other_panels_are_refused():
    one, _ = figures.panels()
    two, _ = figures.panels(2)
    with pytest.raises(ValueError, match="2 panels"):
        lay_over(one, two)
    plt.close("all")


def test_the_peak_of_the_gpu_is_recorded_by_the_notebook(tmp_path, monkeypatch):
    import torch

    from ddbook.press import Recorder

    monkeypatch.setenv("DDLIB_RUN_DIR", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 12345)
    Recorder("01_small").table("a", pd.DataFrame({"x": np.arange(3)}))
    assert json.loads((tmp_path / "gpu.json").read_text()) == {"peak_memory_bytes": 12345}


@pytest.mark.notebook
def test_the_record_of_a_run_takes_the_peak_of_the_gpu(tmp_path):
    root = project(tmp_path)
    held = (
        'import json, os, pathlib\npathlib.Path(os.environ["DDLIB_RUN_DIR"], "gpu.json").write_text(\'{"peak_memory_bytes": 77}\')'
    )
    write(root / "notebooks" / "01_gpu.ipynb", held)
    write(root / "notebooks" / "02_cpu.ipynb", "x = 1")
    gpu, cpu = (run(root / "notebooks" / f"{stem}.ipynb", say=lambda _: None) for stem in ("01_gpu", "02_cpu"))
    assert (gpu.peak_gpu_memory_bytes, cpu.peak_gpu_memory_bytes) == (77, None)
    assert not (root / "_build" / "manual" / "runs" / "01_gpu" / "gpu.json").exists()
