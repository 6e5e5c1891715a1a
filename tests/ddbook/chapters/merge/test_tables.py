"""The simulated hospitals of chapter 08, the comparison with their truth, and the pictures."""

import math

import matplotlib.pyplot as plt
import pandas as pd
import pytest
import torch
import yaml
from torch.distributions import MultivariateNormal, kl_divergence

from ddbook.chapters.merge.tables import figures
from ddbook.chapters.merge.tables.example import accuracy, divergence, example_hospitals, in_order, write_example
from ddlib.dbn.model.network import Gaussian
from ddlib.merge import merge


@pytest.fixture(scope="module")
def example():
    return example_hospitals(0, hospitals=3, patients=80, variables=6, visits=3)


@pytest.fixture(scope="module")
def merged(example):
    return merge(example.tables, "patient", "visit", noise=dict.fromkeys(example.columns, example.noise), rows=20)


def test_hospitals_hide_columns_and_lose_cells(example):
    assert len(example.tables) == 3
    for frame in example.tables.values():
        assert len(frame) == 240 and frame.shape[1] == 2 + 4
        assert 0.02 < frame.isna().to_numpy().mean() < 0.08
    assert set().union(*example.tables.values()) == {"patient", "visit", *example.columns}


def test_it_writes_what_it_drew(example, tmp_path):
    paths, noise = write_example(example, tmp_path / "new")
    assert [path.name for path in paths] == ["hospital_1.csv", "hospital_2.csv", "hospital_3.csv"]
    pd.testing.assert_frame_equal(pd.read_csv(paths[0]), example.tables["hospital 1"].reset_index(drop=True))
    assert yaml.safe_load(noise.read_text()) == dict.fromkeys(example.columns, 0.3)


def test_the_divergence_is_torchs(example, merged):
    truth = in_order(example, merged.columns)
    there, here = (MultivariateNormal(law.mean[0], law.covariance[0]) for law in (truth, merged.law))
    assert math.isclose(divergence(truth, merged.law), kl_divergence(there, here).item(), rel_tol=1e-9)


def test_the_truth_has_no_error(example, merged):
    found = accuracy(merged._replace(law=in_order(example, merged.columns)), example)
    assert abs(found.regret) < 1e-9 and found.together < 1e-12
    assert found.promised == merged.report["model"]["parameters"] / (2 * merged.report["identifiability"]["effective_patients"])


def test_the_prior_guards_scarce_records():
    """Plain maximum likelihood of scarce noisy records ends near a singular estimate; the light prior does not."""
    for seed in range(2):
        scarce = example_hospitals(seed, patients=60, variables=5, visits=3)
        noise = dict.fromkeys(scarce.columns, scarce.noise)
        light, none = (accuracy(merge(scarce.tables, "patient", "visit", noise=noise, prior=w), scarce) for w in (2.0, 0.0))
        assert light.regret < none.regret


def test_columns_can_be_put_in_another_order(example):
    back = in_order(example._replace(law=in_order(example, example.columns[::-1]), columns=example.columns[::-1]), example.columns)
    assert isinstance(back, Gaussian)
    torch.testing.assert_close(back, example.law)


def test_the_pictures_are_drawn(example, merged):
    pictures = [figures.draw_coverage(merged.report), figures.draw_covariances(merged, example)]
    counts = {text.get_text() for text in pictures[0].axes[0].texts}
    assert counts <= {"78", "79", "80"} and counts
    for picture in pictures:
        picture.canvas.draw()
        assert len(picture.axes) == 2
        plt.close(picture)


@pytest.mark.parametrize("missing", [-0.1, 1.0])
def test_an_impossible_share_is_refused(missing):
    with pytest.raises(ValueError, match="share of missing cells"):
        example_hospitals(0, missing=missing)
