import collections
import importlib
import json
import multiprocessing
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import torch

from ddbook.press import Recorder
from ddbook.press.canonical import Canonical
from ddbook.press.kept import Keeper
from ddbook.press.provenance import Run
from ddbook.press.reach import Code
from ddbook.press.repeat import repeat
from ddbook.press.run import run
from ddlib.files import InputError
from ddlib.problem import Distilled
from tests.ddbook.press.notebooks import project
from tests.ddbook.press.notebooks import write as notebook

WORK = '''
"""A chapter's computation."""
from dataclasses import dataclass
from pathlib import Path

import torch

from planted.helper import METHODS, grow, register


@dataclass(frozen=True)
class Setting:
    """How much."""

    size: int = 3

    def run(self, calls):
        return compute(calls, self.size)


def compute(calls, size=3, seed=0):
    """What takes long."""
    with Path(calls).with_suffix(".calls").open("a") as log:
        log.write("x")
    return METHODS["twice"](grow(torch.rand(size, generator=torch.Generator().manual_seed(seed))))


def draw_global(calls):
    compute(calls)
    return torch.rand(3)


def lines(path):
    return path.read_text().split()


def maker(step):
    return lambda calls: compute(calls) + step


def draw_figure(values):
    return "blue"
'''
HELPER = """
METHODS = {}
LENGTH = 1.0


def register(function):
    METHODS[function.__name__] = function
    return function


@register
def twice(values):
    return 2 * values


def grow(values, by=1.0):
    return values + by * LENGTH
"""


class Planted:
    """A package of its own, whose functions a keeper keeps; edits are loaded as a new kernel would."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls, self.runs = folder, str(folder / "work"), 0
        (folder / "planted").mkdir()
        (folder / "planted" / "__init__.py").touch()
        self.write(WORK, HELPER)

    def write(self, work: str, helper: str) -> None:
        (self.folder / "planted" / "work.py").write_text(work)
        (self.folder / "planted" / "helper.py").write_text(helper)
        for name in [name for name in sys.modules if name.startswith("planted")]:
            del sys.modules[name]
        importlib.invalidate_caches()
        sys.dont_write_bytecode = True

    @property
    def work(self) -> Any:
        return importlib.import_module("planted.work")

    def keeper(self, store: str | None = "store", **options: Any) -> Keeper:
        """That of a run which begins now."""
        self.runs += 1
        canonical = Canonical(Code(self.folder, ("planted",)).reached_by, ("planted",))
        return Keeper(self.folder / f"run{self.runs}", self.folder / store if store else None, canonical, **options)

    @property
    def computed(self) -> int:
        log = self.folder / "work.calls"
        return len(log.read_text()) if log.exists() else 0

    @property
    def notes(self) -> list[dict[str, Any]]:
        return json.loads((self.folder / f"run{self.runs}" / "kept.json").read_text())


@pytest.fixture
def planted(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Planted(tmp_path)
    for name in [name for name in sys.modules if name.startswith("planted")]:
        del sys.modules[name]


def test_a_replay_is_what_computing_gives_and_says_when_that_was(planted):
    direct = planted.work.compute(planted.calls, 5)
    first = planted.keeper()(planted.work.compute, planted.calls, 5)
    (computed,) = planted.notes
    again = planted.keeper()(planted.work.compute, planted.calls, 5)
    (replayed,) = planted.notes
    assert torch.equal(first, direct) and torch.equal(again, direct)
    assert planted.computed == 2
    assert computed == replayed | {"replayed": False}
    assert replayed["function"] == "planted.work.compute" and replayed["seconds"] >= 0 and replayed["peak_memory_bytes"] > 10**6


def test_a_value_that_is_changed_in_place_changes_no_other(planted):
    keep = planted.keeper()
    before = keep(planted.work.compute, planted.calls).clone()
    keep(planted.work.compute, planted.calls).zero_()
    assert torch.equal(keep(planted.work.compute, planted.calls), before)


def test_each_use_of_a_run_is_noted(planted):
    keep = planted.keeper()
    for size in (3, 4, 3):
        keep(planted.work.compute, planted.calls, size)
    assert [note["replayed"] for note in planted.notes] == [False, False, True]


EDITS = {
    "a helper": (WORK, HELPER.replace("values + by", "values - by")),
    "a helper's default": (WORK, HELPER.replace("by=1.0", "by=2.0")),
    "a constant of the helper": (WORK, HELPER.replace("LENGTH = 1.0", "LENGTH = 2.0")),
    "a registered function": (WORK, HELPER.replace("2 * values", "3 * values")),
    "its own default": (WORK.replace("seed=0", "seed=1"), HELPER),
    "its own body": (WORK.replace("torch.rand(", "torch.randn("), HELPER),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_of_what_is_reached_computes_again(planted, what):
    before = planted.keeper()(planted.work.compute, planted.calls)
    planted.write(*EDITS[what])
    after = planted.keeper()(planted.work.compute, planted.calls)
    assert planted.computed == 2 and not torch.equal(before, after)


IDLE = {
    "a docstring": (WORK.replace("What takes long.", "What takes very long."), HELPER),
    "a comment": (WORK, HELPER.replace("METHODS = {}", "METHODS = {}  # by name")),
    "a figure": (WORK.replace('"blue"', '"orange"'), HELPER),
    "lines between": (WORK.replace("\n\n\n", "\n\n\n\n\n"), HELPER),
}


@pytest.mark.parametrize("what", IDLE)
def test_an_edit_that_changes_no_value_computes_nothing(planted, what):
    before = planted.keeper()(planted.work.compute, planted.calls)
    planted.write(*IDLE[what])
    after = planted.keeper()(planted.work.compute, planted.calls)
    assert planted.computed == 1 and torch.equal(before, after)


class Pair(NamedTuple):
    left: Any
    right: Any


TABLE = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})


def _with_attrs(table):
    table = table.copy()
    table.attrs["unit"] = "cm"
    return table


DIFFERENT = {
    "numbers": (1, 2),
    "kinds of numbers": (1, 1.0),
    "truth": (1, True),
    "signs of zero": (0.0, -0.0),
    "text": ("a", "b"),
    "nothing": (None, 0),
    "lists and tuples": ([1, 2], (1, 2)),
    "how lists are nested": ([[1], 2], [1, [2]]),
    "tensors": (torch.zeros(3), torch.tensor([0.0, 0.0, 1e-30])),
    "types of tensors": (torch.zeros(3), torch.zeros(3, dtype=torch.float64)),
    "shapes": (torch.zeros(2, 3), torch.zeros(3, 2)),
    "arrays": (np.arange(3), np.arange(3) + 1),
    "frames": (TABLE, TABLE.assign(a=[1.0, 3.0])),
    "columns of frames": (TABLE, TABLE.rename(columns={"a": "c"})),
    "rows of frames": (TABLE, TABLE.set_axis([5, 6])),
    "keys": ({"a": 1}, {"b": 1}),
    "order of keys": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "sets of points": (Distilled(*torch.zeros(3, 1, 2)), Distilled(*torch.ones(3, 1, 2))),
    "sets": ({"a", "b"}, {"a", "c"}),
    "functions": (json.dumps, json.loads),
    "names of indices": (TABLE.rename_axis("x"), TABLE.rename_axis("y")),
    "names of indices of several levels": tuple(TABLE.set_index(["a", "b"]).rename_axis(["c", end]) for end in "de"),
    "names of columns' indices": (TABLE.rename_axis(columns="x"), TABLE.rename_axis(columns="y")),
    "names of a column's index": (TABLE.a.rename_axis("x"), TABLE.a.rename_axis("y")),
    "categories": tuple(TABLE.b.astype(pd.CategoricalDtype(["x", "y", *more])) for more in ("", "z")),
    "order of categories": tuple(TABLE.b.astype(pd.CategoricalDtype(["x", "y"], ordered)) for ordered in (False, True)),
    "time zones": tuple(pd.DatetimeIndex(["2026-01-01"], tz=zone) for zone in ("UTC", "Asia/Tokyo")),
    "missing and not": (pd.array([1, None]), pd.array([1, 0])),
    "what is missing": (pd.array(["x", None], dtype=object), pd.array(["x", float("nan")], dtype=object)),
    "attributes of frames": (TABLE, _with_attrs(TABLE)),
    "gradients": (torch.zeros(3), torch.zeros(3, requires_grad=True)),
    "frequencies": tuple(pd.DatetimeIndex(["2026-01-01", "2026-01-02"], freq=freq) for freq in (None, "D")),
    "kinds of text": (TABLE.b.astype("string"), TABLE.b.astype(object)),
    "signs of zero in frames": (TABLE.assign(a=0.0), TABLE.assign(a=-0.0)),
    "devices": (torch.device("cpu"), torch.device("meta")),
}
PLAIN = Canonical(Code(Path(__file__).parents[3]).reached_by, ("ddlib", "ddbook"))


@pytest.mark.parametrize("what", DIFFERENT)
def test_another_argument_has_another_digest(what):
    one, other = (PLAIN.digest(value, "value") for value in DIFFERENT[what])
    assert one != other


def test_equal_content_has_one_digest_wherever_it_lies():
    strided = torch.arange(6.0).reshape(2, 3).T
    for one, other in ((strided, strided.contiguous()), (TABLE, TABLE.copy()), ({"b", "a"}, {"a", "b"})):
        assert PLAIN.digest(one, "value") == PLAIN.digest(other, "value")


@pytest.mark.parametrize(
    "value", [np.ma.MaskedArray([1.0, 2.0], [0, 1]), collections.defaultdict(int, a=1), collections.Counter("aab")]
)
def test_what_may_hold_more_than_its_kind_is_refused(value):
    with pytest.raises(InputError, match="nobody knows"):
        PLAIN.digest(value, "value")


def test_a_table_of_a_class_of_the_project_is_known_by_its_class_and_what_it_holds(planted):
    planted.write(f"{WORK}\n\nclass Scores(dict):\n    def total(self):\n        return sum(self.values())\n", HELPER)
    canonical = planted.keeper()._canonical
    scores = planted.work.Scores(a=1.0)
    before = canonical.digest(scores, "scores")
    assert before != canonical.digest({"a": 1.0}, "scores")
    scores.scale = 2.0
    assert before != canonical.digest(scores, "scores")


def test_the_object_of_a_method_is_an_argument(planted):
    keep = planted.keeper()
    sizes = [len(keep(planted.work.Setting(size).run, planted.calls)) for size in (3, 4, 3)]
    assert sizes == [3, 4, 3] and planted.computed == 2


def test_a_function_that_a_function_has_made_is_known_by_what_it_holds(planted):
    keep = planted.keeper()
    one, other, again = (keep(planted.work.maker(step), planted.calls) for step in (1.0, 2.0, 1.0))
    assert torch.equal(one, again) and not torch.equal(one, other) and planted.computed == 2


MADE = {
    "a constant": ("calls + '1'", "calls + '2'"),
    "a tuple": ("calls in (1, 2)", "calls in (1, 3)"),
    "a comprehension": ("[c + '1' for c in calls]", "[c + '2' for c in calls]"),
    "a function inside": ("(lambda c: c + '1')(calls)", "(lambda c: c + '2')(calls)"),
    "a name": ("calls.upper()", "calls.lower()"),
}


@pytest.mark.parametrize("what", MADE)
def test_two_functions_that_one_function_has_made_are_told_apart(planted, what):
    one, other = MADE[what]
    planted.write(
        WORK.replace("return lambda calls: compute(calls) + step", f"return lambda calls: {one}, lambda calls: {other}"), HELPER
    )
    made = planted.work.maker(1.0)
    digests = {planted.keeper()._canonical.digest(function, "function") for function in made}
    assert len(digests) == 2


READING = """
from ddbook.press import Recorder
from pathlib import Path
from ddlib.files import tail
record = Recorder("01_small")
record.number("lines", len(record.kept(tail, Path("../given.txt"), 9)))
"""


SETTERS = {
    "a number": lambda helper: setattr(helper, "LENGTH", 5.0),
    "an item of a table": lambda helper: helper.SIZES.update(by=5.0),
    "a tensor in place": lambda helper: helper.STEPS.add_(4.0),
}


@pytest.mark.parametrize("what", SETTERS)
def test_a_variable_of_a_module_that_somebody_has_set_computes_again(planted, what):
    planted.write(
        WORK,
        HELPER.replace("LENGTH = 1.0", "import torch\nLENGTH, SIZES, STEPS = 1.0, {'by': 1.0}, torch.ones(())").replace(
            "by * LENGTH", "by * LENGTH * SIZES['by'] * STEPS"
        ),
    )
    keep = planted.keeper()
    before = keep(planted.work.compute, planted.calls)
    SETTERS[what](importlib.import_module("planted.helper"))
    after = keep(planted.work.compute, planted.calls)
    assert planted.computed == 2 and torch.allclose(after, before + 8.0)  # twice the step of 4


def test_a_module_that_is_loaded_later_computes_nothing_again(planted):
    keep = planted.keeper()
    keep(planted.work.compute, planted.calls)
    (planted.folder / "planted" / "more.py").write_text("WEIGHTS = [1.0]")
    importlib.import_module("planted.more")
    keep(planted.work.compute, planted.calls)
    assert planted.computed == 1


@pytest.mark.notebook
def test_what_a_kept_function_reads_is_seen_also_if_the_notebook_has_read_it_before(tmp_path):
    reading = "import pandas as pd\npd.read_csv('../given.txt')\nrecord.kept(pd.read_csv, '../given.txt')"
    (tmp_path / "given.txt").write_text("a\n1\n")
    made = notebook(project(tmp_path) / "notebooks" / "01_small.ipynb", *READING.split("record.number")[:1], reading)
    failure = run(made, say=lambda line: None).failure
    assert failure and "reads given.txt" in failure.error


@pytest.mark.notebook
def test_a_file_among_the_arguments_is_an_input_of_each_run_and_may_be_read(tmp_path):
    made = notebook(project(tmp_path) / "notebooks" / "01_small.ipynb", READING)
    for lines, replayed in ((2, False), (2, True), (3, False)):
        (tmp_path / "given.txt").write_text("a\n" * lines)
        done = run(made, force=True, say=lambda line: None)
        assert done.state == "ok" and list(done.inputs) == ["given.txt"]
        assert [one.replayed for one in done.kept] == [replayed]
        assert json.loads((tmp_path / "_build/manual/runs/01_small/results/numbers.json").read_text())["lines"]["value"] == lines


def test_a_file_counts_by_its_content(planted):
    words = planted.folder / "words.txt"
    for content in ("a b", "a c"):
        words.write_text(content)
        assert planted.keeper()(planted.work.lines, words) == content.split()


@dataclass
class Thing:
    size: int = 1


def test_a_generator_of_random_numbers_is_refused_at_once(planted):
    for given in (torch.Generator(), {"deep": [torch.Generator()]}):
        with pytest.raises(InputError, match=r"Generator.*seed"):
            planted.keeper()(planted.work.compute, planted.calls, given)
    assert planted.computed == 0


@pytest.mark.parametrize(
    "given", [lambda calls: calls, test_each_use_of_a_run_is_noted, Thing(), Path("nowhere"), object(), Pair(1, 2)]
)
def test_what_is_not_known_by_its_content_is_refused_at_once(planted, given):
    keep = planted.keeper()
    with pytest.raises(InputError):
        keep(planted.work.compute, planted.calls, given)
    if isinstance(given, Callable):
        with pytest.raises(InputError):
            keep(given, planted.calls)
    assert planted.computed == 0


def test_a_value_that_cannot_be_stored_is_refused(planted):
    planted.write(WORK + "\n\ndef stream(calls):\n    return (letter for letter in calls)\n", HELPER)
    with pytest.raises(InputError, match="stream"):
        planted.keeper()(planted.work.stream, planted.calls)


def test_global_random_numbers_neither_matter_nor_move(planted):
    drawn = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        drawn.append(planted.keeper(None)(planted.work.draw_global, planted.calls))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(*drawn)


def test_a_damaged_entry_is_computed_anew_and_mended(planted):
    before = planted.keeper()(planted.work.compute, planted.calls)
    (path,) = (planted.folder / "store").rglob("output.pkl")
    whole = path.read_bytes()
    damages = (whole[: len(whole) // 2], b"", whole.replace(before.numpy().tobytes(), bytes(12)), b"no pickle")
    for times, damaged in enumerate(damages, 2):
        assert damaged != whole
        path.write_bytes(damaged)
        assert torch.equal(planted.keeper()(planted.work.compute, planted.calls), before)
        assert planted.computed == times
    planted.keeper()(planted.work.compute, planted.calls)
    assert planted.computed == times


def test_without_a_store_everything_is_computed(planted):
    for _ in range(2):
        planted.keeper(None)(planted.work.compute, planted.calls)
    assert planted.computed == 2 and not planted.notes[0]["replayed"]


def test_the_store_stays_within_its_size_and_drops_what_was_used_least_recently(planted):
    keep = planted.keeper(limit=3 * 40_000)
    for size in (8000, 8001, 8002):
        keep(planted.work.compute, planted.calls, size)
    keep(planted.work.compute, planted.calls, 8000)  # used again
    keep(planted.work.compute, planted.calls, 8003)
    assert sum(path.stat().st_size for path in (planted.folder / "store").rglob("output.pkl")) <= 3 * 40_000
    keep(planted.work.compute, planted.calls, 8000)
    keep(planted.work.compute, planted.calls, 8001)
    assert [note["replayed"] for note in planted.notes] == [False, False, False, True, False, True, False]


def _compute_many(folder: Path, barrier: Any, number: int) -> None:
    sys.path.insert(0, str(folder))
    work = importlib.import_module("planted.work")
    keep = Keeper(folder / f"process{number}", folder / "store", Canonical(Code(folder, ("planted",)).reached_by, ("planted",)))
    barrier.wait(60)
    for size in range(3, 9):
        assert torch.equal(keep(work.compute, str(folder / "work"), size), work.compute(str(folder / "work"), size))


def test_processes_that_compute_the_same_do_not_disturb_each_other(planted):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    processes = [context.Process(target=_compute_many, args=(planted.folder, barrier, number)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    before = planted.computed
    keep = planted.keeper()
    for size in range(3, 9):
        keep(planted.work.compute, planted.calls, size)
    assert planted.computed == before


def test_a_recorder_keeps_under_a_run_and_computes_by_hand(tmp_path, monkeypatch):
    from ddlib.tasks.splits import random_rows  # a function of the library

    rows = Distilled(torch.zeros(1, 4, 2), torch.zeros(1, 4), torch.ones(1, 4))
    monkeypatch.setenv("DDLIB_KEPT", str(tmp_path / "store"))
    monkeypatch.setenv("DDLIB_RUN_DIR", str(tmp_path / "run"))
    with pytest.raises(InputError):
        Recorder("01_small").kept(random_rows, rows, 2, torch.Generator())
    monkeypatch.delenv("DDLIB_RUN_DIR")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").touch()
    by_hand = Recorder("01_small").kept(random_rows, rows, 2, torch.Generator())
    assert by_hand.x.shape == (1, 2, 2) and not list(tmp_path.rglob("kept.json"))


KEEPING = """\
from ddbook.press import Recorder
from ddlib.statistics import estimate
record = Recorder("01_small")
record.numbers({"middle": record.kept(estimate, [1.0, 2.0, float(seed)], "median")})"""


@pytest.mark.notebook
def test_runs_share_what_they_have_kept_unless_they_compute_anew(tmp_path, monkeypatch):
    monkeypatch.delenv("DDLIB_KEPT", raising=False)
    root = project(tmp_path)
    path = notebook(root / "notebooks" / "01_small.ipynb", KEEPING, parameters="seed: int = 0  # seed")
    replayed = []
    for anew in (False, False, True):
        record = run(path, force=True, say=lambda _: None, anew=anew)
        assert record.state == "ok"
        (note,) = record.kept
        replayed.append(note.replayed)
    assert replayed == [False, True, False]
    repeat(root, "smoke", say=lambda _: None)
    records = [Run.read(path) for path in (root / "_build" / "repeat").rglob("run.json")]
    assert len(records) >= 2 and not any(note.replayed for record in records for note in record.kept)


@pytest.mark.notebook
def test_a_notebook_that_changes_what_is_loaded_computes(tmp_path, monkeypatch):
    monkeypatch.delenv("DDLIB_KEPT", raising=False)
    cell = f"from ddlib import statistics\nstatistics.PLANTED = 1\n{KEEPING}"
    path = notebook(project(tmp_path) / "notebooks" / "01_small.ipynb", cell, parameters="seed: int = 0  # seed")
    for _ in range(2):
        assert [note.replayed for note in run(path, force=True, say=lambda _: None).kept] == [False]


@pytest.mark.notebook
def test_a_function_of_a_notebook_is_refused(tmp_path):
    root = project(tmp_path)
    cell = KEEPING.replace("record.numbers", "def own(x):\n    return x\n\nrecord.numbers").replace("estimate, [", "own, [")
    path = notebook(root / "notebooks" / "01_small.ipynb", cell, parameters="seed: int = 0  # seed")
    failed = run(path, say=lambda _: None)
    assert failed.state == "failed" and failed.failure and failed.failure.error.startswith("InputError")
