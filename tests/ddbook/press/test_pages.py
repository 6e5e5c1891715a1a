"""What a page says of its run: what was kept from earlier ones, what was accepted, what was given by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddbook.press import pages, resources
from ddbook.press.inputs import NOT_AVAILABLE
from ddbook.press.provenance import Accepted, Kept, Run
from ddbook.press.stage import stage
from tests.ddbook.book import fake

STEM = "06_how_far_from_the_limit"
GIB = 2**30


def computation(seconds: float, day: str, *, replayed: bool = True, memory: int = GIB) -> Kept:
    return Kept(
        function="f", key="k", computed=f"{day}T10:00:00+00:00", seconds=seconds, peak_memory_bytes=memory, replayed=replayed
    )


def run(**fields: object) -> Run:
    return fake.record(STEM).model_copy(update={"wall_seconds": 12.0, "peak_memory_bytes": GIB, **fields})


def box(record: Run) -> str:
    return pages.provenance(STEM, record, "", [])


KEPT = [
    computation(100, "2026-11-29"),
    computation(212, "2026-11-29", memory=3 * GIB),
    computation(5, "2026-11-30", replayed=False),
]


def test_the_record_says_what_was_kept_and_when_it_was_computed() -> None:
    said = box(run(kept=KEPT, key="0123456789abcdef" * 4))
    assert "2 of 3 computations, 5 min 12 s, were kept from 2026-11-29" in said
    assert "| 12.0 s, and 5 min 12 s kept |" in said
    assert "`0123456789ab`" in said
    assert "0123456789abc" not in said.replace("0123456789abcdef01234567", "")


@pytest.mark.parametrize("kept", [[], KEPT[2:]])
def test_a_run_that_computed_everything_says_nothing_of_it(kept: list[Kept]) -> None:
    assert "kept" not in box(run(kept=kept))
    assert "Accepted" not in box(run(kept=kept))


def test_several_days_are_named_from_the_first_to_the_last() -> None:
    days = [computation(1, "2026-12-02"), computation(1, "2026-11-29"), computation(1, "2026-11-30")]
    assert "kept from 2026-11-29 to 2026-12-02" in box(run(kept=days))


def test_time_and_memory_are_those_of_a_run_that_keeps_nothing() -> None:
    record = run(kept=KEPT)
    assert pages.seconds(record) == pytest.approx(324)
    assert pages.memory(record) == "3.00 GiB"
    assert "5 min 24 s of computing" in pages.status({STEM: record})
    asked = resources.request([record], Path(), STEM, None)
    assert asked.runtime > 3 * 324 / 60
    assert asked.mem_mb > 1.5 * 3 * GIB / 1e6


def test_the_record_says_what_was_read_and_what_was_not_there() -> None:
    said = box(run(inputs={"data/a.csv": "0" * 64, "cdisc": NOT_AVAILABLE}))
    assert "`data/a.csv`, `cdisc` (not there)" in said
    assert "| Read |" not in box(run())


CHANGE = Accepted(why="only a name", when="2026-11-30T08:00:00+00:00", changed=["ddlib/dbn/task.py"], before="0", files=7)


def test_an_accepted_change_is_told_with_its_reason_on_the_page_and_on_the_status_page() -> None:
    record = run(accepted=[CHANGE])
    for said in (box(record), pages.status({STEM: record})):
        assert [part for part in ("only a name", "2026-11-30", "`ddlib/dbn/task.py`", "7 files") if part not in said] == []


def test_parameters_by_hand_are_named_on_the_first_page_and_on_the_status_page(tmp_path: Path) -> None:
    root = fake.make_root(tmp_path)
    profile = root / "notebooks" / "profiles" / f"{fake.PROFILE}.yml"
    same = ", ".join(f"{stem}: {{penalties: [0.1, 1.0]}}" for stem in fake.CHAPTERS)
    profile.write_text(f"{{{same}}}", encoding="utf-8")
    generated = stage(fake.PROFILE, root) / "book" / "generated"
    assert "by hand" not in (generated / "status.md").read_text(encoding="utf-8")
    record = fake.record(STEM).model_copy(update={"parameters": {"n_seeds": 5, "penalties": [0.1, 1.0], "title": "a|b"}})
    fake.settle(root / "_build" / fake.PROFILE / "runs" / STEM, record)
    generated = stage(fake.PROFILE, root) / "book" / "generated"
    for name in ("status.md", "landing.md"):
        assert f"Given by hand: `{STEM}.n_seeds = 5`." in (generated / name).read_text(encoding="utf-8")
