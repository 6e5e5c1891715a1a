"""The released files, against plain readings of them; and what happens without them."""

import hashlib

import pandas as pd
import pytest
import torch

from ddlib.datasets import DATA_FOLDER, ChecksumError, DataUnavailableError, merge_release
from ddlib.datasets.release import FILES
from tests.ddlib.datasets.released import RELEASE_FOLDER, with_release


def plain(name):
    return pd.read_csv(RELEASE_FOLDER / name)


@with_release
@pytest.mark.parametrize(("slices", "end"), [(2, ""), (10, "_10")])
def test_rows_are_in_the_order_of_time_and_variables_whatever_the_order_of_columns(slices, end):
    release = merge_release(slices)
    names = {"train": f"original_train{end}.csv", "test": f"original_test{end}.csv"}
    read = {name: getattr(release, part) for part, name in names.items()} | release.distilled
    read |= {f"seperated_data{end}/partition_{k}.csv": rows for k, rows in enumerate(release.partitions)}
    assert len(read) == 7 + len(release.distilled)
    for name, rows in read.items():
        table, last = plain(name), rows.shape[1] - 1
        assert rows.dtype == torch.float64 and rows.shape == (len(table), last + 1, 20)
        for t, i in ((0, 0), (last, 0), (0, 19), (last, 11)):
            expected = torch.as_tensor(table[f"X{i + 1}_t_{last - t}"].tolist(), dtype=torch.float64)
            assert torch.equal(rows[:, t, i].nan_to_num(-9), expected.nan_to_num(-9))


@with_release
@pytest.mark.parametrize("slices", [2, 10])
def test_each_partition_hides_two_variables_in_each_slice_and_measures_the_clean_rows_with_one_noise_per_row_and_slice(slices):
    release = merge_release(slices)
    hidden = release.partitions.isnan()
    assert torch.equal(hidden.any(1), hidden.all(1)) and (hidden.all(1).sum(-1) == 2).all()
    noise = release.partitions - release.train.unflatten(0, (5, 200))
    spread = noise.nan_to_num(torch.inf).amin(-1) - noise.nan_to_num(-torch.inf).amax(-1)
    assert spread.abs().max() < 1e-9 and noise.nanmean(-1).std().item() == pytest.approx(0.1, rel=0.1)


@with_release
@pytest.mark.parametrize("slices", [2, 10])
def test_declared_weights_are_those_of_the_first_slice_child_by_parent(slices):
    """Regressed on its declared parents, each variable of the first slice has about the declared weights, and not the reverse."""
    release = merge_release(slices)
    assert (release.intra != 0).sum() == 26 and not release.intra.diagonal().any()
    assert ((release.inter != 0).sum(-1) == 1).all() and (release.inter.diagonal() != 0).sum() >= 10
    rows = release.train[:, 0]
    for child, weights in enumerate(release.intra):
        parents = weights.nonzero().squeeze(-1)
        if len(parents):
            found = torch.linalg.lstsq(rows[:, parents] - rows[:, parents].mean(0), rows[:, [child]] - rows[:, [child]].mean(0))
            assert (found.solution.squeeze(-1) - weights[parents]).abs().max() < 0.15


def test_addresses_are_pinned_to_a_commit_and_a_hash():
    for file in FILES.values():
        assert "a6f98640ebb1319b4b82f7990dbee4b913042799" in file.url and len(file.sha256) == 64 and int(file.sha256, 16)


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path))
    return tmp_path


def test_nothing_is_fetched_unless_that_is_asked_for(nowhere, monkeypatch):
    monkeypatch.setattr("ddlib.datasets.release.fetch", lambda *words: pytest.fail("it was fetched"))
    with pytest.raises(DataUnavailableError, match=r"download=True .* no licence"):
        merge_release(cache=nowhere)


def test_what_is_asked_for_is_fetched_into_the_cache_and_read_from_there(nowhere, monkeypatch):
    asked = []

    def fetched(file, cache):
        asked.append(file.name)
        path = cache / file.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("other")
        return path

    monkeypatch.setattr("ddlib.datasets.release.fetch", fetched)
    for download in (True, False):
        with pytest.raises(ChecksumError, match="something else than the pinned file"):
            merge_release(download=download, cache=nowhere / "cache")
    assert asked == ["release/data/weight_matrix.csv"]


def test_a_file_with_other_content_is_refused(nowhere):
    path = nowhere / "release" / "data" / "weight_matrix_10.csv"
    path.parent.mkdir(parents=True)
    path.write_text("V1\n1.0\n")
    assert hashlib.sha256(path.read_bytes()).hexdigest() != FILES["weight_matrix_10.csv"].sha256
    with pytest.raises(ChecksumError, match=r"weight_matrix_10\.csv holds something else"):
        merge_release(10)


def test_other_numbers_of_slices_are_refused():
    with pytest.raises(ValueError, match="2 and of 10 slices, but 3"):
        merge_release(3)
