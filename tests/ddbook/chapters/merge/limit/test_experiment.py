"""Chapter 06: its conditions, its comparison on the networks that it is about, its tables and its pictures."""

from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ddbook.chapters.merge.limit import figures, findings, plan, report
from ddbook.chapters.merge.limit.conditions import Condition, best_fit, draw, split_pattern
from ddbook.chapters.merge.limit.experiment import at_smallest, merges, regret, row, yardsticks
from ddbook.chapters.merge.limit.scarce import few_patients
from ddbook.kit.merge.setting import Setting
from ddlib.dbn.likelihood.information import dimension
from ddlib.dbn.methods.staged import Staged
from ddlib.dbn.sources import pairs_observed
from ddlib.statistics import estimate
from tests.ddlib.dbn.world import generator

mpl.use("Agg")
SMALL = Setting(replicates=2, variables=4, slices=3, sources=4, trajectories=60, hidden=0.25)
KNOWN = ("ignored", "estimated")
STAGES = Staged(early=4, steps=6, rounds=1, cycles=25)


def test_groups_that_are_never_measured_together():
    pattern = split_pattern(3, 4, 2, 10, generator(), 0.3)
    hidden = ~pattern[:, :, 0]
    assert (hidden.sum(-1) == 3).all() and torch.equal(pattern[:, :, 0], pattern[:, :, 1])
    assert torch.equal(hidden[:, 0], hidden[:, 2]) and not (hidden[:, 0] & hidden[:, 1]).any()
    never = ~pairs_observed(pattern)
    assert (never.sum((-2, -1)) == 2 * 9).all()
    assert torch.equal(never, (hidden[:, 0, :, None] & hidden[:, 1, None]) | (hidden[:, 1, :, None] & hidden[:, 0, None]))
    for share in (0.0, 0.6):
        with pytest.raises(ValueError, match="hide at least one and at most half"):
            split_pattern(1, 2, 2, 10, generator(), share)


def test_conditions_differ_in_their_factor_only():
    base = Condition("base", SMALL)
    same = draw(base)
    known, ignored = same.task.statistics, draw(replace(base, noise="ignored")).task.statistics
    assert torch.equal(known.covariance, ignored.covariance) and (ignored.noise == 0).all() and (known.noise > 0).any()
    estimated = draw(replace(base, noise="estimated", setting=replace(SMALL, trajectories=600)))
    torch.testing.assert_close(estimated.task.statistics.noise[:, 0, 0], estimated.notes["noise"] ** 2)
    learned = draw(replace(base, graph="learned"))
    assert learned.notes["edges"].tolist() == [sum(int(mask[r].sum()) for mask in learned.graph) for r in range(2)]
    differs = torch.stack([(a != b).flatten(1).any(1) for a, b in zip(learned.task.graph, learned.graph, strict=True)]).any(0)
    assert torch.equal(learned.notes["hamming"] > 0, differs)
    untied = draw(replace(base, learner="untied"))
    assert untied.slices == 1 and untied.graph.first.shape[-1] == 12
    drifted = draw(replace(base, drift=0.5))
    assert drifted.truth is None and draw(replace(base, drift=0.5, learner="untied")).truth is not None
    seen = known.observed.view(2, 4, 1, 3, 4).expand(-1, -1, 60, -1, -1) > 0
    clean = same.clean.x.unflatten(1, (4, 60))
    assert 0.2 < (same.task.sources.values - clean)[seen].std() < 0.4  # the same patients, without the noise of 0.3


@pytest.mark.parametrize(
    "change", [{}, {"learner": "untied"}, {"drift": 0.4}, {"drift": 0.4, "learner": "untied"}, {"graph": "learned"}]
)
def test_every_condition_is_measured(change):
    condition = Condition("one", SMALL, **change)
    world_ = draw(condition)
    rivals = ("available_case", "mean_imputation", "federated")
    scores = merges(world_, condition, [12], STAGES, rivals, everything=True)
    others = {"em", "first_order", "clean_all", "limit"} - ({"limit"} if "learner" in change or "drift" in change else set())
    assert set(scores.method) == {*rivals, *(f"{name}_noisy" for name in rivals), *others}
    assert (scores.regret > 0).all() and not scores.duplicated(["method", "seed"]).any()
    marks = yardsticks(world_, "one")
    assert ("bound" in marks) == (world_.truth is not None) and (marks.clean_all > 0).all()
    if world_.truth is not None and not change:
        np.testing.assert_allclose(marks.clean_bound, dimension(world_.graph) / 480)


def test_a_failed_fit_has_infinite_regret():
    condition = Condition("one", SMALL)
    world_ = draw(condition)
    model = best_fit(world_, 25).model
    broken = model._replace(variance=model.variance.clone())
    broken.variance[1] = torch.nan
    found = row(world_, "one", "broken", 0, broken)
    assert np.isfinite(found.regret[0]) and found.regret[1] == found.train_risk[1] == np.inf
    np.testing.assert_allclose(found.regret[0], regret(world_, model)[0])


def invented():
    """Two conditions of three networks: in the second one network is not identified and EM has not converged on another."""
    rows = []
    for place, condition in enumerate(("T 5", "odd")):
        for seed in range(3):
            base = {"condition": condition, "seed": seed, "converged": not (place == 1 and seed == 2)}
            rows.append({**base, "method": "em", "budget": 0, "regret": 1.0 + seed, "train_risk": 5.0})
            for budget, factor in ((10, 1.0 + 0.01 * seed), (20, 1.2)):
                value = {"method": "first_order", "budget": budget, "regret": (1.0 + seed) * factor, "train_risk": 5.0 + factor - 1}
                rows.append(base | value)
    marks = [
        {"condition": condition, "seed": seed, "kept": 0.0 if condition == "odd" and seed == 1 else 0.5, "bound": 1.0}
        for condition in ("T 5", "odd")
        for seed in range(3)
    ]
    return pd.DataFrame(rows), pd.DataFrame(marks)


def test_ratios_are_of_networks_that_the_data_determine():
    scores, marks = invented()
    found = report.ratios(scores, marks)
    assert sorted(found[found.budget == 10].ratio.round(9)) == [1.0, 1.0, 1.01, 1.02]
    assert report.left_out(scores, marks)["left out"].to_dict() == {"T 5": 0, "odd": 2}
    numbers = report.numbers(scores, marks)
    assert numbers["worst_ratio"].value == pytest.approx(1.2) and numbers["left_out"].value == 2
    assert numbers["share_within_goal"].value == 0.5 and numbers["largest_excess"].value == pytest.approx(0.2)
    assert numbers["far_from_em"].value == 4 and numbers["descents_converged"].value == 10 and numbers["descents"].value == 12
    assert numbers["t_5_first_order"].value == pytest.approx(2.02)  # the smallest budget's median
    assert numbers["odd_em"].value == 2
    assert set(at_smallest(scores).budget) == {0, 10}
    assert set(at_smallest(scores[scores.budget == 0]).budget) == {0}


def test_paired_ratios_and_differences():
    rows = [
        {"condition": "few", "seed": seed, "method": method, "regret": value}
        for method, values in (("em", (1.0, 2.0, 4.0)), ("federated", (0.5, 2.0, 1.0)))
        for seed, value in enumerate(values)
    ]
    found = report.against_maximum(pd.DataFrame(rows))
    logs = estimate(np.log([0.5, 1.0, 0.25]))
    assert tuple(found["few_federated_over_em"][:3]) == pytest.approx(tuple(np.exp(logs[:3])))
    assert found["few_federated_over_em"].value == pytest.approx(0.5)
    assert found["few_federated_minus_em"].value == -0.5 and found["few_federated_better"].value == 2
    table = report.scarce_table(pd.DataFrame(rows))
    ratio = f"0.50 ({np.exp(logs.low):.2f}–{np.exp(logs.high):.2f})"
    assert table.loc["federated averaging"].tolist() == [ratio, "-0.5 (-3 to 0)", "2 of 3"]
    assert report.mean_ratio(np.array([1.0, np.inf]), np.array([2.0, 1.0])).n == 1


def drawn(picture):
    """The texts of a picture that can be drawn."""
    picture.set_layout_engine("none")  # which takes most of the time
    picture.draw_without_rendering()
    texts = [text.get_text() for text in picture.findobj(mpl.text.Text)]
    plt.close(picture)
    return texts


def test_every_way_and_its_picture():
    conditions = plan.hiding_conditions(SMALL, 0.25, 0.5)[1:]
    scores, marks = plan.every_way(conditions, [12, 16], STAGES, zeroth_order_epochs=2, imputed=1)
    assert set(scores.method) == set(report.ORDER)
    slow = scores[scores.method.isin(["zeroth_order", "first_order_loo"])]
    assert set(slow.budget) == {12}
    methods = [method for method in report.ORDER if method in set(scores.method)]
    limit, em = (scores[scores.method == name].regret for name in ("limit", "em"))
    np.testing.assert_allclose(limit, em, rtol=1e-6)
    table = report.summary(scores, [c.name for c in conditions], methods)
    assert table.shape == (len(methods), 1) and "chained equations (MICE), 1 network" in table.index and "EM" in table.index
    assert "chained equations (MICE)\n1 network" in drawn(figures.draw_rows(scores, marks, [c.name for c in conditions], methods))
    assert drawn(figures.draw_ratios(report.ratios(scores, marks)))


def test_few_patients_and_their_picture():
    few = plan.scarce_conditions(SMALL, 40, 0.25, 0.5, 3)[:1]
    scores, marks = few_patients(few, 12, STAGES, 2, most=5)
    assert set(scores.method) == {
        *("em", "em_stopped", "em_ridge", "first_order", "first_order_ridge", "first_order_stopped", "first_order_loo")
    }
    assert "Cramér–Rao regret" in drawn(figures.draw_scarce(scores, marks))
    assert len(marks) == 3 and report.limits_table(marks).loc["scarce", "not identified"] == "0 of 3"
    with pytest.raises(ValueError, match="2 networks or more"):
        plan.scarce_conditions(SMALL, 40, 0.25, 0.5, 1)


def test_the_base_case_is_measured_once_and_stands_in_every_figure():
    base, limits = plan.measure([plan.base_condition(SMALL)], [12], STAGES, ["available_case"])
    apart = plan.slice_conditions(SMALL, [2, 3], 0.25)
    assert [c.name for c in apart] == ["T 2", "T 2 never together", "T 3 never together"]
    measured, at = plan.measure(apart[1:], [12], STAGES, ["available_case"])
    assert report.slice_numbers(at)["draws_more"].value == 2
    assert drawn(figures.draw_slices(pd.concat([base, measured]), pd.concat([limits, at])))
    for noises in ([0.3], [0.5], [0.0, 0.3]):  # the base case's among them or not
        names = [c.name for c in plan.noise_conditions(SMALL, noises)]
        assert ("noise 0.3" not in names) and ("noise 0.3 ignored" in names) == (0.3 in noises)
    ignored, estimated = plan.noise_conditions(SMALL, [0.3])
    assert estimated.noise == "estimated"  # which takes long, and is drawn in another test
    noisy, at = plan.measure([ignored], [12], STAGES)
    both = pd.concat([base, noisy])
    found = report.noise_numbers(both)
    assert set(found) == {"known_em", "ignored_em", "largest_noise"}
    assert found["known_em"].value == base[base.method == "em"].regret.median() and found["largest_noise"].value == 0.3
    assert "first-order, noise known" in drawn(figures.draw_noise(both, pd.concat([limits, at])))
    table = report.limits_table(pd.concat([limits, limits.assign(condition="no truth", kept=np.nan, bound=np.inf)]))
    assert table.loc["no truth", ["not identified", "Cramér–Rao regret"]].tolist() == ["–", "∞"]
    with pytest.raises(ValueError, match="a size above 0"):
        plan.noise_conditions(SMALL, [0.0])


def test_the_comparison_with_em_reads_well_whatever_it_finds():
    scores, marks = invented()
    found = report.ratios(scores, marks)
    text = findings.comparison(found)
    assert text.startswith("In 4 of the 8 comparisons") and "above EM's by at most 0.2 nats" in text
    near = found[found.budget == 10]
    assert findings.comparison(near) == (
        "In none of the 4 comparisons is the ratio farther than 0.05 from one. Over all 4 comparisons the training risk of the set "
        "is above EM's by at most 0.02 nats per patient."
    )
    assert "nowhere above EM's" in findings.comparison(near.assign(excess=-1e-9))
    assert "8 × 10⁻⁶" in findings.comparison(near.assign(excess=7.7e-6))
    assert findings.comparison(found[:0]) == "No network of this page can be compared."


@pytest.mark.parametrize(
    ("factors", "said"),
    [
        ((0.5, 0.51, 0.49), "lies below one for first-order (0.50), and above one for EM with a ridge (2.00)."),
        ((0.5, 1.0, 3.0), "lies below one for no row, and above one for EM with a ridge (2.00); for the other 1 row, "),
    ],
)
def test_few_networks_are_said_not_to_decide(factors, said):
    rows = [
        {"condition": "few", "seed": seed, "method": method, "regret": value * (1 + seed)}
        for seed, factor in enumerate(factors)
        for method, value in (("em", 1.0), ("first_order", factor), ("em_ridge", 2.0 + 0.01 * seed - 0.01))
    ]
    text = findings.few_patients(pd.DataFrame(rows))
    assert said in text and text.startswith("- **Few**, 3 networks.")
    alone = pd.DataFrame(rows)[lambda frame: frame.method != "em_ridge"]
    assert ("For all rows, 3 networks cannot decide." in findings.few_patients(alone)) == (factors[2] == 3.0)


def test_levels_are_said_to_be_above_or_below_plain_moments():
    rows = [
        {"level": level, "seed": seed, "method": method, "regret": value}
        for level, values in ((0.3, (0.1, 0.2, 0.3)), (0.9, (0.4, 0.2, 0.3)))
        for method, value in zip(("available_case", "em", "em_levels"), values, strict=True)
        for seed in range(2)
    ]
    first, second = findings.levels(pd.DataFrame(rows)).splitlines()
    assert first.startswith("- **Levels of standard deviation 0.3.** Available-case moments: 0.1. Nothing that was tried is lower.")
    assert "Lower: EM, 0.2 (lower on 2 of 2 networks); EM, network with static levels, 0.3" in second and "Not lower" not in second


def test_conditions_have_names_and_no_noise_has_nothing_to_know():
    assert [c.name for c in plan.noise_conditions(SMALL, [0.0, 0.4])] == [
        "noise 0",
        "noise 0.4",
        *(f"noise 0.4 {k}" for k in KNOWN),
    ]
    names = [c.name for c in plan.model_conditions(SMALL, 0.3)]
    assert names == ["graph learned", "untied learner", "drift tied", "drift untied"]
    assert figures.label("federated_noisy") == "federated averaging, noise ignored" and figures.label("em") == "EM"
