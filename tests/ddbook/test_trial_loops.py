"""Who runs methods by hand instead of by :func:`ddlib.trial.run_trial`: a list that can only become shorter knowingly."""

import ast
import json

from tests import ROOT

BY_HAND = {
    "ddbook/chapters/digits/trap.py": 1,  # the state of a warm start, step by step
    "ddbook/chapters/methods_optimise/checks.py": 3,
    "notebooks/01_one_dataset_many_tasks.ipynb": 2,
    "notebooks/04_merge_hospitals.ipynb": 1,
}
"""Calls of ``distil``, and of a method's ``update``, by file. A file that is not named has none: keep it so."""


def sources():
    """The code of the chapters' files, and of the notebooks' cells but for the one that is there to be read."""
    for path in sorted((ROOT / "ddbook" / "chapters").rglob("*.py")):
        yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        folded = [cell["source"] for cell in cells if "hide-input" in cell["metadata"].get("tags", [])]
        yield str(path.relative_to(ROOT)), "\n".join("".join(source) for source in folded)


def steps_by_hand(code):
    """How often methods are run in a piece of code."""
    calls = [node.func for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call) and len(node.args) >= 3]
    names = [call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls]
    return sum(name in ("distil", "update") for name in names)


def test_chapters_run_methods_by_trials_but_for_these():
    counts = {path: steps_by_hand(code) for path, code in sources()}
    assert len(counts) > 50
    assert {path: count for path, count in counts.items() if count} == BY_HAND


def test_a_loop_by_hand_is_seen():
    assert steps_by_hand("state, _ = method.update(task, state, generator)\nproblem.distil(m, t, 1, 0, g)") == 2
    assert steps_by_hand("seen.update({}); run_trial(method, task, 3, 0, generator)") == 0
