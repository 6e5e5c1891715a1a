import json

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ddbook.press import Recorder
from ddlib.files import InputError
from ddlib.problem import Distilled
from ddlib.statistics import Estimate, Number


@pytest.fixture
def record(tmp_path, monkeypatch):
    monkeypatch.setenv("DDLIB_RUN_DIR", str(tmp_path))
    return Recorder("01_small")


def test_numbers_keep_their_interval_and_a_missing_end_is_null(record):
    record.number("error", 0.5, low=0.4, high=float("nan"), n=3, unit="nats")
    numbers = json.loads((record.folder / "results" / "numbers.json").read_text())
    assert numbers == {"error": {"value": 0.5, "low": 0.4, "high": None, "n": 3, "unit": "nats"}}


def test_numbers_of_a_whole_dict_are_those_one_by_one(record, tmp_path, monkeypatch):
    record.numbers({"count": 3, "middle": Estimate(0.5, 0.4, float("nan"), 3), "time": Number(2.0, unit="s")})
    written = json.loads((record.folder / "results" / "numbers.json").read_text())
    monkeypatch.setenv("DDLIB_RUN_DIR", str(tmp_path / "again"))
    again = Recorder("01_small")
    again.number("count", 3)
    again.number("middle", 0.5, 0.4, float("nan"), 3)
    again.number("time", 2.0, unit="s")
    assert json.loads((again.folder / "results" / "numbers.json").read_text()) == written


def test_of_a_dict_with_a_wrong_number_none_is_recorded(record):
    with pytest.raises(InputError, match="finite"):
        record.numbers({"good": 1.0, "bad": float("nan")})
    assert json.loads((record.folder / "results" / "numbers.json").read_text()) == {}
    record.number("good", 2.0)


ONE = (1.0, 0.5, 2.0, 3, "s")
NUMBERS = {
    "numpy": (np.float64(1), np.float32(0.5), np.array(2), np.int64(3), "s"),
    "torch": (torch.tensor(1.0), torch.tensor(0.5), torch.tensor(2), torch.tensor(3), "s"),
    "whole": (1, 0.5, 2, True + 2, "s"),
}


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_of_every_kind_are_written_alike(record, kind):
    record.numbers({"one": NUMBERS[kind]})
    (written,) = json.loads((record.folder / "results" / "numbers.json").read_text()).values()
    assert tuple(written.values()) == ONE
    assert [type(value) for value in written.values()] == [type(value) for value in ONE]


WRONG = [None, "3", [1.0], 1j, (), {}, 10**400, torch.zeros(2), (1.0, 0.5, 2.0, 3, "s", 0, 0), (1.0, "0", 2.0)]
WRONG += [(1.0, 0.5, [2.0]), (1.0, 0.5, 2.0, 3.5), (1.0, 0.5, 2.0, "3"), (1.0, 0.5, 2.0, 3, None), (1.0, 2.0, 3.0), (1.0, 0.0, 0.5)]


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_what_is_no_number_is_refused_and_the_run_goes_on(record, wrong):
    with pytest.raises(InputError):
        record.numbers({"good": 1.0, "bad": wrong})
    record.numbers({"good": 1.0, "bad": 2.0})
    assert json.loads((record.folder / "results" / "numbers.json").read_text()).keys() == {"good", "bad"}


@pytest.mark.parametrize("columns", [["seed"], ["unit"], ["time"], ["y"], ["weight"], ["a", "a"], ["y0", "a"]], ids=repr)
def test_a_column_of_a_distilled_set_has_a_name_of_its_own(record, columns):
    columns = [*columns, *"bcd"][:3]
    two_labels = Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2, 2), torch.ones(1, 2))
    with pytest.raises(InputError, match="name of its own"):
        record.distilled("ridge", "exact", two_labels, columns)
    record.distilled("ridge", "exact", two_labels, list("abc"))


SETS = Distilled(torch.zeros(1, 2, 3), torch.zeros(1, 2, 1), torch.ones(1, 2))
RECORDED = {
    "number": lambda record: record.number("error", 1.0),
    "numbers": lambda record: record.numbers({"error": 1.0}),
    "table": lambda record: record.table("scores", pd.DataFrame({"a": [1]})),
    "distilled": lambda record: record.distilled("ridge", "exact", SETS),
    "figure": lambda record: record.figure("line", plt.figure(), alt="nothing"),
}


@pytest.mark.parametrize("result", RECORDED)
def test_a_run_records_each_name_once(record, result):
    RECORDED[result](record)
    with pytest.raises(InputError, match="before"):
        RECORDED[result](record)
    plt.close("all")


@pytest.mark.parametrize("result", RECORDED)
def test_by_hand_a_cell_can_be_executed_again(tmp_path, monkeypatch, result):
    monkeypatch.delenv("DDLIB_RUN_DIR", raising=False)
    monkeypatch.chdir(tmp_path)
    record = Recorder("01_small")
    RECORDED[result](record)
    RECORDED[result](record)


def test_a_table_that_is_not_final_is_not_written_and_leaves_its_name_free(record):
    first, whole = pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [1, 2]})
    assert record.table("scores", first, final=False) is first
    assert not (record.folder / "results" / "scores.csv").exists()
    record.table("scores", whole)
    pd.testing.assert_frame_equal(pd.read_csv(record.folder / "results" / "scores.csv"), whole)


@pytest.mark.parametrize("stem", ["01_small", "02_other"])
def test_a_run_has_one_recorder_and_a_second_one_wipes_nothing(record, stem):
    record.number("error", 0.5)
    with pytest.raises(InputError, match="a recorder already"):
        Recorder(stem)
    record.number("count", 1)
    assert json.loads((record.folder / "results" / "numbers.json").read_text()).keys() == {"error", "count"}


def test_by_hand_a_new_recorder_starts_a_new_list_of_numbers(tmp_path, monkeypatch):
    monkeypatch.delenv("DDLIB_RUN_DIR", raising=False)
    monkeypatch.setattr("ddbook.press.record.project_root", lambda: tmp_path)
    Recorder("01_small").number("error", 0.5)
    assert json.loads((Recorder("01_small").folder / "results" / "numbers.json").read_text()) == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused(record, value):
    with pytest.raises(InputError, match="record only finite values"):
        record.number("error", value)


@pytest.mark.parametrize("name", ["", "Error", "../../etc/passwd", "a b", "1st", 3, None])
def test_a_name_that_is_no_name_is_refused(record, name):
    with pytest.raises(InputError, match="cannot be the name"):
        record.table(name, pd.DataFrame({"a": [1]}))


def test_a_table_comes_back_as_it_was(record):
    frame = pd.DataFrame({"method": ["a", "b"], "value": [0.1, 1 / 3]})
    record.table("values", frame)
    pd.testing.assert_frame_equal(pd.read_csv(record.folder / "results" / "values.csv"), frame)


def test_a_distilled_set_comes_back_exactly(record):
    sets = Distilled(torch.randn(2, 3, 4).double(), torch.randn(2, 3).double(), torch.rand(2, 3).double())
    record.distilled("ridge", "exact", sets, list("abcd"))
    frame = pd.read_csv(record.folder / "results" / "distilled_ridge_exact_3.csv")
    assert list(frame) == ["seed", "unit", "a", "b", "c", "d", "y", "weight"]
    np.testing.assert_array_equal(frame[list("abcd")].to_numpy().reshape(2, 3, 4), sets.x)
    np.testing.assert_array_equal(frame.y.to_numpy().reshape(2, 3), sets.y)


def test_a_set_of_real_patients_says_so_in_its_name(record):
    sets = Distilled(torch.zeros(1, 2, 1), torch.zeros(1, 2), torch.ones(1, 2))
    record.distilled("trial", "exact", sets, real_patients=True)
    assert [path.name for path in (record.folder / "results").glob("distilled*")] == ["distilled_private_trial_exact_2.csv"]


def test_a_distilled_trajectory_has_a_row_for_each_time(record):
    x = torch.arange(2 * 3 * 5 * 4).reshape(2, 3, 5, 4).double()
    record.distilled("merge", "exact", Distilled(x, torch.zeros(2, 3, 0), torch.full((2, 3), 2.0)))
    frame = pd.read_csv(record.folder / "results" / "distilled_merge_exact_3.csv")
    row = frame.query("seed == 1 and unit == 2 and time == 4")
    assert row[["x0", "x1", "x2", "x3", "weight"]].to_numpy().tolist() == [[*x[1, 2, 4].tolist(), 2.0]]
    with pytest.raises(InputError, match="3 column names were given for 4"):
        record.distilled("merge", "exact", Distilled(x, torch.zeros(2, 3, 0), torch.ones(2, 3)), list("abc"))


def test_a_figure_is_written_twice_and_shown_with_its_alternative_text(record):
    def draw():
        figure, axes = plt.subplots()
        axes.plot([0, 1])
        return record.figure("line", figure, alt='A line "up" & on', caption="From $0$ to 1")

    shown = draw()._repr_mimebundle_()
    assert 'alt="A line &quot;up&quot; &amp; on"' in shown["text/html"]
    assert "From $0$ to 1</figcaption>" in shown["text/html"]
    assert (record.folder / "figures" / "line.png").read_bytes().startswith(b"\x89PNG")
    first = (record.folder / "figures" / "line.svg").read_bytes()
    assert b"<svg" in first
    assert not plt.get_fignums()
    with pytest.raises(InputError, match="needs an alternative text"):
        record.figure("line", plt.figure(), alt=" ")
    plt.close("all")


def test_figures_are_numbered_in_the_order_of_their_names(tmp_path, monkeypatch):
    monkeypatch.delenv("DDLIB_RUN_DIR", raising=False)
    monkeypatch.setattr("ddbook.press.record.project_root", lambda: tmp_path)
    chapter, loose = Recorder("04_merge_hospitals"), Recorder("sketch")

    def number(record, name):
        shown = record.figure(name, plt.figure(), alt="nothing")._repr_mimebundle_()["text/html"]
        return shown.partition("Figure ")[2].partition("<")[0]

    drawn = [number(chapter, name) for name in ("first", "second", "first")]  # a cell that is run again keeps its number
    assert drawn == ["4.1.", "4.2.", "4.1."]
    assert number(loose, "first") == "1."


def test_the_same_figure_gives_the_same_file(tmp_path, monkeypatch):
    from ddbook.kit import figures

    files = []
    for place in "ab":
        monkeypatch.setenv("DDLIB_RUN_DIR", str(tmp_path / place))
        figures.use_style()
        figure, axes = figures.panels()
        axes.plot([0, 1])
        record = Recorder("01_small")
        record.figure("line", figure, alt="a line")
        files.append((record.folder / "figures" / "line.svg").read_bytes())
    assert files[0] == files[1]
