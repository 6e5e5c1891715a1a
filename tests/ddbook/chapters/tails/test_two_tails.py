"""Chapter 09: paired settings, scores against direct computation, the error of lines in α, and what is refused."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from ddbook.chapters.tails.two_tails import figures, report
from ddbook.chapters.tails.two_tails.experiment import Setting, middle_slice, scores, settings, train_networks
from ddbook.chapters.tails.two_tails.lines import all_line_errors, amplification, line_errors
from ddbook.kit.tails.draws import generator_for
from ddbook.kit.tails.solver import solver_scores
from ddbook.kit.tails.words import interval_note
from ddlib.pinn import PROBLEMS, PhysicsNetwork
from tests.ddlib.pinn.world import every_problem
from tests.ddlib.worlds import generator

MASSES, NOISES = [0.3, 0.05], [0.05, 0.0]
PLANS = settings(MASSES, NOISES)


@pytest.fixture(scope="module")
def trained():
    return {name: train_networks(PROBLEMS[name], PLANS, 2, steps=5, precision="float64") for name in ("Poisson", "wave")}


@pytest.fixture(scope="module")
def table(trained):
    return pd.concat([scores(each) for each in trained.values()], ignore_index=True)


def test_settings_differ_in_nothing_but_what_they_name(trained):
    noisy, clean, _, _, whole = (each.task for each in trained["Poisson"])
    assert torch.equal(noisy.train.x, clean.train.x)
    assert torch.equal(clean.train.y, clean.problem.exact_at(clean.train.x))
    assert torch.equal(noisy.train.x[..., 0], whole.train.x[..., 0])
    assert float(noisy.train.x[..., 1].max()) < noisy.problem.law.interval("lower", 0.3)[1] < float(whole.train.x[..., 1].max())
    assert torch.equal(noisy.data.target.x, whole.data.target.x)


def test_a_batch_of_settings_trains_what_each_trains_alone(trained):
    for each in trained.values():
        alone = train_networks(each[1].task.problem, PLANS[1:2], 2, steps=5, precision="float64")[0]
        assert torch.allclose(alone.theta, each[1].theta, atol=1e-12)


def test_training_is_that_of_the_plain_network(trained):
    each = trained["Poisson"][0]
    learner: PhysicsNetwork = each.task.learner  # type: ignore[assignment]
    theta = learner.fit(each.task.train, generator_for(each.task.problem, 0, "weights"))
    assert torch.allclose(theta, each.theta, atol=1e-12)


def test_scores_are_relative_errors_of_the_right_tail_and_learner(trained, table):
    each = trained["wave"][0]
    for tail, grid in (("inside", each.task.data.inside), ("target", each.task.data.target)):
        direct = (each.task.predict(each.theta, grid.x) - grid.y).norm(dim=-1) / grid.y.norm(dim=-1)
        assert np.allclose(report.values(table, "wave", PLANS[0], tail), direct)
    assert len(table) == 2 * len(PLANS) * 2 * 2 * 2
    assert np.isfinite(table[["error", "residual", "mismatch"]].to_numpy()).all()


def test_a_correct_sentence_about_alpha_bridges_the_tails_without_noise():
    found = scores(train_networks(PROBLEMS["Poisson"], settings([0.3], [0.0]), 3, steps=1))
    assert (report.values(found, "Poisson", Setting(0.3, 0.0), "target", "affine_ridge") < 0.05).all()


@every_problem
def test_the_closed_form_is_the_simulated_error(problem):
    """The mean of squares over draws has a relative standard error of at most sqrt(2 / draws)."""
    found = line_errors(problem, 0.3, 0.1, generator(), simulations=500, readings=7)
    assert np.allclose(found.simulated**2, found.closed_form**2, rtol=5 * (2 / 500) ** 0.5)
    bias = (found.closed_form / found.variance_only).max() - 1
    assert (bias < 1e-6) == problem.affine


def test_narrower_tails_amplify_more():
    poisson = PROBLEMS["Poisson"]
    assert amplification(poisson, 0.05) > amplification(poisson, 0.3)
    at, end = poisson.law.grid("lower", 0.3, 20), poisson.law.tail_mean("upper", 0.3)
    expected = (1 / 20 + (end - at.mean()) ** 2 / (20 * at.var(correction=0))) ** 0.5
    assert amplification(poisson, 0.3) == pytest.approx(float(expected))


def test_the_solver_is_timed_on_every_problem_without_time():
    found = solver_scores(PROBLEMS.values(), 0.3, alphas=2, positions=9)
    assert list(found.problem) == [problem.name for problem in PROBLEMS.values() if not problem.timed]
    assert (found.error < 1e-8).all()
    assert (found.seconds > 0).all()


def test_the_slice_is_the_solution_in_the_middle_of_the_domain(trained):
    for each in (one[0] for one in trained.values()):
        found = middle_slice(each, 5)
        problem = each.task.problem
        middle = [sum(ends) / 2 for ends in problem.box]
        units = torch.tensor([[*middle, float(alpha)] for alpha in found.alpha], dtype=torch.float64)
        assert torch.allclose(found.exact, problem.exact_at(units))
        assert torch.allclose(found.predicted[1], each.task.learner.predict(each.theta[1], units))


def test_numbers_tables_and_figures_tell_the_scores(trained, table):
    problems = [PROBLEMS[name] for name in trained]
    found = report.numbers(table, MASSES, NOISES)
    target = [report.values(table, name, PLANS[0], "target") for name in trained]
    assert found["target_wave"].value == pytest.approx(np.median(target[1]))
    assert found["target_most"].value == pytest.approx(max(np.median(each) for each in target))
    inside = [report.values(table, name, PLANS[0], "inside") for name in trained]
    assert found["target_above_inside"].value == sum((a > b).sum() for a, b in zip(target, inside, strict=True))
    assert found["pairs"].value == 4
    lines = all_line_errors(problems, 0.3, 0.05, simulations=5)
    solver = solver_scores(problems, 0.3, 1, 5)
    rest = report.other_numbers(problems, lines, solver, MASSES, NOISES)
    assert rest["affine_excess"].value == pytest.approx(1, abs=1e-6)
    assert rest["severity_most"].value == pytest.approx(PROBLEMS["Poisson"].law.severity(0.05))
    assert list(report.law_table(problems, MASSES).columns) == ["q", "α in training", "α in the test", "severity"]
    assert list(report.law_table(problems, [0.3])["α in the test"]) == ["above 0.52", "above 1.13"]
    for frame in (
        report.error_table(table, 0.3, 0.05),
        report.physics_table(table, 0.3, 0.05),
        report.solver_table(solver, table, dict.fromkeys(trained, 1.0), 0.3, 0.05),
    ):
        assert list(frame.index) == ["Poisson", "Burgers wave"]
    drawn = [
        figures.draw_two_tails([each[0].task for each in trained.values()]),
        figures.draw_slices({name: middle_slice(each[0]) for name, each in trained.items()}, PROBLEMS, 0.3),
        figures.draw_errors(table, MASSES, NOISES),
        figures.draw_lines(lines, PROBLEMS, 0.3),
    ]
    assert [len(figure.axes) for figure in drawn] == [4, 2, 2, 2]
    plt.close("all")


def test_the_interval_is_named_as_what_it_is():
    assert "range" in interval_note(3)
    assert "75 %" in interval_note(3)
    assert "95 %" in interval_note(10)
    assert "no interval" in interval_note(1)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="each once"):
        settings([0.3, 0.3], [0.05])
    with pytest.raises(ValueError, match="at least one"):
        settings([], [0.05])
    with pytest.raises(ValueError, match="precision"):
        train_networks(PROBLEMS["Poisson"], settings([0.3], [0.0]), 1, precision="half")
    with pytest.raises(ValueError, match="mass"):
        train_networks(PROBLEMS["Poisson"], settings([0.0], [0.0]), 1, steps=1)
