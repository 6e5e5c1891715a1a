"""Images that judge have chosen nothing: the locked rows are in no run that tunes, by number and by content."""

import re

import pytest
import torch

from ddbook.chapters.digits import intervals, tuning
from ddbook.chapters.digits.experiment import Digits
from ddbook.chapters.digits.rows import LOCKED, deal, lock
from ddlib import datasets


def dice(seed=0):
    return torch.Generator().manual_seed(seed)


def test_the_lock_is_one_for_all_runs_and_splits_the_images():
    locked, opened = lock()
    assert sorted([*locked.tolist(), *opened.tolist()]) == list(range(1797)) and len(locked) == LOCKED
    assert (
        locked[:8].tolist() == [14, 31, 34, 40, 52, 54, 57, 60] and int(locked.sum()) == 365394
    )  # whoever changes them has to tune again
    counts = torch.bincount(datasets.digits().label[locked], minlength=10)
    assert counts.min() >= 25


def test_judging_sees_the_locked_images_and_training_never():
    rows, locked = deal((1000, 397), 3, dice()), set(lock()[0].tolist())
    for train, validation, test in zip(*rows, strict=True):
        assert set(test.tolist()) == locked
        assert not locked & {*train.tolist(), *validation.tolist()}
        assert len({*train.tolist(), *validation.tolist()}) == 1397


def test_no_image_of_a_tuning_run_is_one_that_judges():
    tuned, judging = tuning.EXPERIMENT, Digits(2)
    assert tuned.sealed and not judging.sealed
    used = {number for part in tuned.rows for number in part.flatten().tolist()}
    assert not used & set(judging.rows.test.flatten().tolist())
    seen = {tuple(grey) for part in tuned.splits for grey in pixels(part.x + tuned.mean)}
    judges = {tuple(grey) for grey in pixels(judging.splits.test.x + judging.mean)}
    assert len(judges) == LOCKED and not seen & judges


def pixels(x):
    """Grey levels from 0 to 16, an image each."""
    return (16 * x).round().int().flatten(0, 1).tolist()


def test_no_patient_of_a_tuning_run_is_one_who_judges():
    tuned = intervals.tasks(4, dice(1), sealed=True)["interval"].splits
    judging = intervals.tasks(4, dice(2))["interval"].splits
    seen = {tuple(row) for part in tuned for row in part.x.flatten(0, 1).tolist()}
    judges = {tuple(row) for row in judging.test.x.flatten(0, 1).tolist()}
    assert len(judges) == intervals.LOCKED and not seen & judges
    assert not judges & {tuple(row) for part in judging[:2] for row in part.x.flatten(0, 1).tolist()}


@pytest.mark.parametrize("sizes", [(1000, 398), (1398, 1), (0, 5), (5, 0)])
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(ValueError, match=re.escape(f"sizes are {sizes}, but") + ".*400 are locked away"):
        deal(sizes, 1, dice())
