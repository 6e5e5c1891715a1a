"""A comparison is one of the thing that it names: a planted second difference is found, and named."""

import pandas as pd
import pytest

from ddbook.press.claims import Claim, Results, judge
from tests.ddbook.press.claims.world import CLAIM, finished_run

SETTINGS = {
    "method.type": ("A", "B"),
    "method.name": ("a", "b"),
    "method.lr": (0.1, None),  # only A has one
    "task.type": ("T", "T"),
    "task.learner.name": ("ridge", "ridge"),
    "task.learner.penalty": (1.0, 1.0),
    "trial.generator": ("seed 0", "seed 1"),
    "trial.budget": (10, 10),
    "trial.units": (10, 10),
    "trial.steps": (100, 100),
    "trial.start": ("10x3 #1", "10x3 #1"),
    "learner.name": ("ridge", "ridge"),
}


def write(folder, changes=(), rows=("a", "b"), seeds=3, extra=None):
    """Scores of two arms with their settings, some of them changed."""
    place = finished_run(folder, {"a": [1.0]})
    settings = SETTINGS | dict(changes)
    table = [
        {"method": arm, "seed": seed, "score": 3.0 - side + seed / 10, **{name: both[side] for name, both in settings.items()}}
        for side, arm in enumerate(rows)
        for seed in range(seeds)
    ]
    pd.DataFrame(table + (extra or [])).to_csv(place / "results" / "scores.csv", index=False)


def verdict(folder, **statistic):
    claim = CLAIM | {"statistics": [CLAIM["statistics"][0] | statistic]}
    return judge(Claim.model_validate(claim), Results(folder, "the run"))


@pytest.mark.parametrize(
    ("changes", "factor", "named"),
    [
        ({}, ["method.type"], []),
        ({"task.learner.penalty": (1.0, 2.0)}, ["method.type"], ["task.learner.penalty"]),
        ({"task.learner.penalty": (1.0, 2.0)}, ["method.type", "task.learner"], []),
        ({"task.learner.penalty": (1.0, None)}, ["method.type"], ["task.learner.penalty"]),
        ({"method.lr": (0.1, 0.2)}, ["method.type"], ["method.lr"]),  # both have one
        ({"method.lr": (0.1, 0.2)}, ["method"], []),
        ({"trial.steps": (100, 60), "trial.budget": (10, 20)}, ["method.type"], ["trial.budget", "trial.steps"]),
        ({"trial.steps": (100, 0), "trial.start": ("#1", "#2")}, ["method.type"], []),  # one of them takes no steps
        ({"trial.start": ("#1", "#2")}, ["method.type"], ["trial.start"]),
        ({"trial.budget": (10, 20), "trial.units": (10, 20), "trial.start": ("#1", "#2")}, ["method.type", "trial.budget"], []),
        ({"trial.units": (10, 20)}, ["method.type"], ["trial.units"]),
        ({"learner.name": ("ridge", "forest")}, ["method.type"], ["learner.name"]),
        ({}, ["task.learner"], ["method.type", "method.name", "method.lr"]),
        (dict.fromkeys(SETTINGS, ("x", None)) | {"learner.name": ("r", "r"), "trial.steps": (9, None)}, ["method.type"], []),
        (
            dict.fromkeys(SETTINGS, ("x", None)) | {"learner.name": ("r", "s"), "trial.steps": (9, None)},
            ["method.type"],
            ["learner.name"],
        ),
    ],
)
@pytest.mark.parametrize("side", ["minus", "over"])
def test_a_second_difference_turns_the_verdict_to_confounded_and_is_named(tmp_path, changes, factor, named, side):
    write(tmp_path, changes)
    limit = {"at_least": 1} if side == "over" else {}
    judged = verdict(tmp_path, factor=factor, **{"minus": None, side: "method == 'b'"}, **limit)
    assert judged.state == ("confounded" if named else "reproduced")
    assert judged.why == (f"what is compared differs in {', '.join(named)} too" if named else "")
    assert judged.findings[0].estimate is not None


def test_a_difference_in_one_pair_is_one(tmp_path):
    write(tmp_path)
    path = tmp_path / "04_merge_hospitals" / "results" / "scores.csv"
    table = pd.read_csv(path)
    table.loc[1, "task.learner.penalty"] = 3.0
    table.to_csv(path, index=False)
    assert "task.learner.penalty" in verdict(tmp_path).why
    table.loc[(table.method == "b") & (table.seed == 1), "task.learner.penalty"] = 3.0  # now the pairs agree again
    table.to_csv(path, index=False)
    assert verdict(tmp_path).state == "reproduced"


def test_rows_that_no_trial_wrote_are_no_evidence_for_a_comparison(tmp_path):
    write(tmp_path, dict.fromkeys(SETTINGS, (None, None)))
    judged = verdict(tmp_path)
    assert (judged.state, "no trial wrote these rows" in judged.why) == ("not testable", True)
    alone = verdict(tmp_path, minus=None, factor=[], at_least=0)
    assert alone.state == "reproduced"  # a value alone needs no settings


def test_a_factor_that_is_no_column_is_named(tmp_path):
    write(tmp_path)
    judged = verdict(tmp_path, factor=["method.typ"])
    assert (judged.state, "factor method.typ is no column" in judged.why) == ("not testable", True)


def test_of_sums_each_row_is_compared_with_each_of_the_other_side(tmp_path):
    larger = {name: both[0] for name, both in SETTINGS.items()} | {
        "trial.budget": 20,
        "trial.units": 20,
        "method": "c",
        "score": 9.0,
    }
    write(tmp_path, extra=[larger | {"seed": seed} for seed in range(3)])
    rows = {"rows": ["method == 'a'", "method == 'c'"], "minus": ["method == 'b'", "method == 'b'"]}
    assert "trial.budget" in verdict(tmp_path, **rows).why
    assert verdict(tmp_path, **rows, factor=["method.type", "trial.budget"]).state == "reproduced"


def test_rivals_are_compared_all_with_all(tmp_path):
    rivals = {"rows": "seed >= 0", "minus": None, "rivals": "method", "judges": "learner", "at_least": 0}
    for changes, named in (({}, ""), ({"task.learner.penalty": (1.0, 2.0)}, "task.learner.penalty")):
        write(tmp_path, changes)
        path = tmp_path / "04_merge_hospitals" / "results" / "scores.csv"
        both = pd.read_csv(path)
        turned = both.assign(learner="two", score=5 - both.score)
        pd.concat([both.assign(learner="one"), turned]).to_csv(path, index=False)
        judged = verdict(tmp_path, **rivals)
        assert (judged.state, named in judged.why) == ("confounded" if named else "reproduced", True)
