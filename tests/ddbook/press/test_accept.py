"""Results are kept after a change of code only if the code before and after it gives the same."""

import shutil

import pytest

from ddbook.press.accept import accept
from ddbook.press.provenance import Run
from ddlib.files import InputError
from tests.ddbook.press.planted import PLANTED, STEM, edit, edit_cell, folder, make, standing

pytestmark = pytest.mark.notebook


@pytest.fixture
def house(planted_house):
    return planted_house


def try_to(root, why="the same in other words", profile="smoke"):
    return accept(root, STEM, profile, why, say=lambda _: None)


def test_a_change_that_moves_nothing_is_accepted_and_on_record(house):
    before = Run.read(folder(house) / "run.json")
    edit(house / PLANTED / "computing.py", "answer * FACTOR + seed", "seed + FACTOR * answer")
    edit_cell(
        house,
        "record.table('scores', rows(answer, replicates))",
        "record.table('scores', rows(answer=answer, replicates=replicates))",
    )
    assert standing(house).state == "stale"
    accepted = try_to(house)
    assert standing(house).state == "fresh"
    after = Run.read(folder(house) / "run.json")
    assert after.accepted == [accepted]
    assert accepted.why == "the same in other words"
    assert {path.rpartition("/")[2] for path in accepted.changed} == {"the notebook's code", "computing.py"}
    assert (accepted.before, after.results) == (before.key, before.results)


def test_a_change_that_moves_a_result_is_refused_also_in_a_branch_that_smoke_does_not_walk(house):
    make(house, profile="paper")
    edit(house / PLANTED / "computing.py", "else 1", "else 2")
    try_to(house)
    with pytest.raises(InputError, match=r"profile paper the change moves .*scores"):
        try_to(house, profile="paper")
    assert standing(house, "paper").state == "stale"
    edit(house / PLANTED / "computing.py", "FACTOR = 2", "FACTOR = 3")
    with pytest.raises(InputError, match=r"profile smoke the change moves .*scores"):
        try_to(house)


def test_a_constant_that_was_moved_to_a_file_is_accepted_with_that_file(house):
    (house / "factor.txt").write_text("2")
    edit_cell(house, "rows(answer, replicates)", "rows(answer, replicates) if open('../factor.txt').read() == '2' else None")
    try_to(house)
    assert standing(house).state == "fresh"
    (house / "factor.txt").write_text("3")
    assert standing(house).why == ["factor.txt"]


def test_a_change_of_what_a_cell_only_shows_is_refused(house):
    edit_cell(house, "record.number('answer'", "print('about', len(table))\nrecord.number('answer'")
    with pytest.raises(InputError, match="moves output of cell"):
        try_to(house)


TIMES = "import time\nnow = time.perf_counter_ns()\n"


def test_what_shows_measured_times_is_compared_but_for_these(house):
    edit_cell(house, "record.number('answer'", f"{TIMES}print('took', now, 'for', len(table), 'rows')\nrecord.number('answer'")
    make(house, force=True)
    edit(house / PLANTED / "computing.py", "answer * FACTOR + seed", "seed + FACTOR * answer")
    assert try_to(house).apart == []
    edit_cell(house, "'for', len(table)", "'for', 1 + len(table)")
    with pytest.raises(InputError, match="moves output of cell"):
        try_to(house)


def test_what_has_another_form_each_time_is_not_compared_and_the_record_says_so(house):
    edit_cell(
        house,
        "record.number('answer'",
        f"{TIMES}print(f'{{now:x}}'.translate(dict.fromkeys(range(48, 58), 'g')))\nrecord.number('answer'",
    )
    make(house, force=True)
    edit(house / PLANTED / "computing.py", "answer * FACTOR + seed", "seed + FACTOR * answer")
    assert [name for name in try_to(house).apart if name.startswith("output of cell")]


def test_what_is_no_change_of_code_cannot_be_accepted(house):
    with pytest.raises(InputError, match="is fresh"):
        try_to(house)
    with pytest.raises(InputError, match="--why"):
        try_to(house, " ")
    (house / "notebooks" / "profiles" / "smoke.yml").write_text(f"{STEM}: {{answer: 5}}")
    with pytest.raises(InputError, match="more than code has changed"):
        try_to(house)
    edit(folder(house) / "results" / "numbers.json", "2.0", "3.0")
    with pytest.raises(InputError, match="was edited"):
        try_to(house)


def test_without_the_code_before_nothing_is_accepted(house):
    edit(house / PLANTED / "computing.py", "answer * FACTOR + seed", "seed + FACTOR * answer")
    shutil.rmtree(house / "_build" / "code")
    with pytest.raises(InputError, match="is not at hand"):
        try_to(house)
