"""Who runs methods by hand instead of by :func:`ddlib.trial.run_trial`: a list that can only become shorter knowingly."""

import ast
import json

import pytest

from tests import ROOT

BY_HAND = {
    "ddbook/chapters/merge/published/experiment.py": 1,  # one descent on the authors' files, which is judged by their learner
    "ddbook/chapters/methods_optimise/checks.py": 3,  # sets that have an answer in closed form; nothing is timed or kept
    "ddbook/chapters/tails/published/screening.py": 2,  # a method made of others: it draws their sets and judges them
    "notebooks/01_one_dataset_many_tasks.ipynb": 1,  # the book's first page shows the loop that a trial runs
    "notebooks/04_merge_hospitals.ipynb": 1,  # the limit, in closed form, to be recorded
}
"""Uses of ``distil``, and calls of a method's ``init``, ``update`` and ``choose``. A file not named has none: keep it so."""
WORDS = {"task", "state", "budget", "generator"}


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
    nodes = list(ast.walk(ast.parse(code)))
    known = distils(nodes)
    named = sum(isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in known for node in nodes)
    reached = sum(isinstance(node, ast.Attribute) and node.attr == "distil" for node in nodes)
    return named + reached + sum(isinstance(node, ast.Call) and runs_a_method(node) for node in nodes)


def distils(nodes):
    """The names that stand for ``distil``: as imported, and as given on."""
    names = {"distil"}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "distil"}
    while True:
        given = [node for node in nodes if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)]
        more = {target.id for node in given if node.value.id in names for target in node.targets if isinstance(target, ast.Name)}
        if more <= names:
            return names
        names |= more


def runs_a_method(call):
    """Whether a call is of a method's ``init``, ``update`` or ``choose``: of three things, a task and a generator among them."""
    if not isinstance(call.func, ast.Attribute) or call.func.attr not in ("init", "update", "choose"):
        return False
    keywords = [word.arg for word in call.keywords]
    return len(call.args) + len(keywords) == 3 and set(keywords) <= WORDS


def test_chapters_run_methods_by_trials_but_for_these():
    counts = {path: steps_by_hand(code) for path, code in sources()}
    assert len(counts) > 50
    assert {path: count for path, count in counts.items() if count} == BY_HAND


@pytest.mark.parametrize(
    "code",
    [
        "distil(method, task, budget=3, steps=1, generator=dice)",
        "from ddlib.problem import distil as d\nd(*everything)",
        "run = distil",
        "go = run = distil\nmap(go, methods)",
        "import ddlib.problem as p\np.distil(**everything)",
        "functools.partial(distil, method)",
        "method.init(task, 3, generator)",
        "method.init(task, budget=3, generator=dice)",
        "method.update(task=task, state=state, generator=dice)",
        "RandomRows().choose(task, 3, generator)",
    ],
)
def test_no_other_way_of_writing_it_hides_a_run(code):
    assert steps_by_hand(code) >= 1


@pytest.mark.parametrize(
    "code", ["rc.update({}, a=1, b=2)", "random.choose(rows)", "from ddlib import distil", "method.init(task)"]
)
def test_what_runs_no_method_is_not_counted(code):
    assert steps_by_hand(code) == 0


def test_a_loop_by_hand_is_seen():
    assert steps_by_hand("state, _ = method.update(task, state, generator)\nproblem.distil(m, t, 1, 0, g)") == 2
    assert steps_by_hand("seen.update({}); run_trial(method, task, 3, 0, generator)") == 0
