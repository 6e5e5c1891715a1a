"""What a run takes: from its own kind where there is a record, shown for the reader as it was measured."""

from ddbook.press.resources import GUESS, page, request
from tests.ddbook.book.fake import record


def leave(folder, **changes):
    """Write the record of an invented run."""
    made = record("01_small").model_copy(update=changes)
    folder.mkdir(parents=True)
    made.write(folder / "run.json")
    return made


def test_requests_come_from_the_same_profile_and_from_the_sweep_first(tmp_path):
    assert request([], tmp_path, "01_small", "laptop") == GUESS
    leave(tmp_path / "_build" / "laptop" / "runs" / "01_small", profile="laptop", peak_memory_bytes=2_000_000_000, wall_seconds=600)
    leave(tmp_path / "reference" / "01_small", profile="paper", peak_memory_bytes=8_000_000_000, wall_seconds=3600)
    leave(tmp_path / "_build" / "manual" / "runs" / "01_small", profile=None, peak_memory_bytes=1_000_000_000, wall_seconds=1)
    assert request([], tmp_path, "01_small", "laptop")[:2] == (4000, 40)
    assert request([], tmp_path, "01_small", "paper")[:2] == (13000, 190)
    assert request([], tmp_path, "01_small", None)[:2] == (2500, 11)
    assert request([], tmp_path, "01_small", "smoke") == GUESS
    own = [record("01_small").model_copy(update={"peak_memory_bytes": size, "wall_seconds": 60}) for size in (10**9, 10**8)]
    assert request(own, tmp_path, "01_small", "paper")[:2] == (2500, 13)


def test_the_page_shows_this_build_and_the_reference(tmp_path):
    leave(tmp_path / "11_x", profile="paper", wall_seconds=400, peak_memory_bytes=3 * 2**30)
    (tmp_path / "12_broken").mkdir()
    (tmp_path / "12_broken" / "run.json").write_text("{}")
    run = record("01_small").model_copy(update={"peak_gpu_memory_bytes": 2**31})
    assert page([("01_small", run)], tmp_path).splitlines() == [
        "| Chapter | Profile | Time | Peak memory | A job asks for |",
        "| --- | --- | --- | --- | --- |",
        "| {doc}`/notebooks/01_small` | `tiny` | 1 min 23 s | 0.50 GiB, 2.00 GiB on the GPU | 1900 MB, 15 min |",
        "| `11_x` | `paper`, reference | 6 min 40 s | 3.00 GiB | 5900 MB, 30 min |",
    ]
