"""Values beyond a limit of detection, from files and tables to the estimate."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.optimize import minimize
from scipy.stats import kstest, multivariate_normal, norm, truncnorm

from ddlib.dbn.model.network import Gaussian
from ddlib.merge import Merge, TableError, merge, report_page, shifted
from ddlib.merge.files import merge_files, summary
from ddlib.merge.latent import expected_rows, latent_rows
from ddlib.merge.margins import Identity
from ddlib.merge.reading.options import ReadingOptions
from ddlib.merge.scales import Scales
from ddlib.merge.streams import Streams
from tests.ddlib.merge.detection import LAW, LIMIT, MEAN, SPREAD, below, hospitals


def limited(seed=0, **options):
    return {name: below(frame) for name, frame in hospitals(seed, **options).items()}


def censored_likelihood(parameters, rows, limit):
    """Of two columns of which the first is below a limit in some rows."""
    mean, root = parameters[:2], np.array([[np.exp(parameters[2]), 0.0], [parameters[3], np.exp(parameters[4])]])
    covariance = root @ root.T
    gone = rows[:, 0] < limit
    slope = covariance[0, 1] / covariance[1, 1]
    left = (covariance[0, 0] - slope * covariance[0, 1]) ** 0.5
    known = multivariate_normal.logpdf(rows[~gone], mean, covariance).sum()
    other = norm.logpdf(rows[gone, 1], mean[1], covariance[1, 1] ** 0.5).sum()
    below_limit = norm.logcdf(limit, mean[0] + slope * (rows[gone, 1] - mean[1]), left).sum()
    return -(known + other + below_limit)


def test_the_estimate_is_of_maximum_likelihood():
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(60, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
    frame = below(pd.DataFrame({"id": range(60), "time": 0, "a": rows[:, 0], "b": rows[:, 1]}), limit=-0.4)
    exact = {"margins": "normal", "prior": 0.0, "tolerance": 1e-9, "join": "never"}
    law = merge([frame, frame], "id", "time", **exact).law
    options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 10_000, "maxfev": 10_000}
    ended = minimize(censored_likelihood, [0.0, 0, 0, 0.5, 0], args=(rows, -0.4), method="Nelder-Mead", options=options)
    root = np.array([[np.exp(ended.x[2]), 0.0], [ended.x[3], np.exp(ended.x[4])]])
    np.testing.assert_allclose(law.mean[0], ended.x[:2], atol=2e-4)
    np.testing.assert_allclose(law.covariance[0], root @ root.T, atol=2e-4)


def errors(tables):
    """Of mean, standard deviation and correlation with the second column, in standard deviations, averaged over visits."""
    law = merge(tables, "id", "time", join="never", margins="normal").law
    mean, covariance = law.mean[0].numpy(), law.covariance[0].numpy()
    spread = np.diag(covariance) ** 0.5
    correlation = covariance / np.outer(spread, spread)
    at = [0, 3]
    off = [
        (mean[at] - MEAN[0]) / SPREAD[0],
        spread[at] / SPREAD[0] - 1,
        [correlation[i, i + 1] - LAW[0, 1] for i in at],
        [correlation[0, 3] - 0.7] * 2,
    ]
    return np.abs(np.mean(off, axis=1))


def test_thirty_per_cent_below_a_limit():
    found = {"intervals": [], "halves": []}
    for seed in range(3):
        tables = hospitals(seed, patients=150)
        found["intervals"].append(errors({name: below(frame) for name, frame in tables.items()}))
        halves = {name: frame.assign(a=frame.a.where(frame.a >= LIMIT, LIMIT / 2)) for name, frame in tables.items()}
        found["halves"].append(errors(halves))
    intervals, halves = (np.mean(found[name], axis=0) for name in ("intervals", "halves"))
    assert bool((intervals < 0.08).all())
    assert bool((intervals[:2] < 0.2 * halves[:2]).all())


def test_a_skewed_column_keeps_its_law():
    tables = {name: frame.assign(a=np.exp((frame.a - 50) / 10)) for name, frame in hospitals(5, patients=200).items()}
    limit = float(np.exp(norm.ppf(0.3)))
    merged = merge({name: below(frame, limit=limit) for name, frame in tables.items()}, "id", "time", join="never", rows=2000)
    every = pd.concat(tables.values())
    assert merged.report["columns"][0]["margin"]["margin"] == "monotone"
    quantiles = [0.4, 0.6, 0.8, 0.95]
    np.testing.assert_allclose(merged.table.a.quantile(quantiles), every.a.quantile(quantiles), rtol=0.15)
    assert (merged.table.a < limit).mean() == pytest.approx((every.a < limit).mean(), abs=0.03)
    assert merged.table.a.min() > 0 and merged.report["columns"][0]["least"] >= limit
    assert merged.report["columns"][0]["mean"] == pytest.approx(every.a.mean(), rel=0.1)


def test_every_way_in_gives_the_same(tmp_path):
    tables = limited()
    for name, frame in tables.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        (tmp_path / f"{name}.tsv").write_text(frame.to_csv(index=False, sep="\t").replace("<", "< ").replace(".", ","))
        frame.to_excel(tmp_path / f"{name}.xlsx", index=False)
        frame.melt(["id", "time"], var_name="test", value_name="result").to_csv(tmp_path / f"{name}.txt", index=False)
        scaled = frame.assign(a=[f"<{2 * LIMIT}" if isinstance(x, str) else 2 * x for x in frame.a])
        scaled.to_csv(tmp_path / f"twice-{name}.csv", index=False)
    options = {"join": "never", "rows": 9, "iterations": 20}
    wanted = Merge("id", "time", **options).fit(tables).sample(9)
    ways = {
        "{}.csv": ReadingOptions(),
        "{}.tsv": ReadingOptions(),
        "{}.xlsx": ReadingOptions(),
        "{}.txt": ReadingOptions(long=("test", "result")),
        "twice-{}.csv": ReadingOptions(units={"a": 0.5}),
    }
    for name, reading in ways.items():
        paths = [tmp_path / name.format(source) for source in tables]
        lines: list[str] = []
        written = merge_files(
            paths, "id", "time", tmp_path / "all.csv", reading=reading, force=True, complete=1, notice=lines.append, **options
        )
        pd.testing.assert_frame_equal(written.merged.table[list(wanted)], wanted, check_exact=False, rtol=1e-9, check_dtype=False)
        number = sum(isinstance(x, str) for x in tables["north"].a)
        limit = "89.5" if "twice" in name else "44.75"
        assert f"'a': {number} values beyond a limit of detection (<{limit})" in lines[0]
        assert any("beyond a limit of detection hold values that were drawn" in line for line in summary(written))


def test_what_was_measured_counts_and_is_reported():
    tables = limited()
    tables["south"] = tables["south"].drop(columns="b").assign(a=f"<{LIMIT}")
    merged = merge(tables, "id", "time", join="never")
    assert merged.report["coverage"]["a"] == {"north": 100, "south": 100}
    (pair,) = merged.report["never_together"] or [None]
    assert pair is None or "a" not in pair["columns"]
    within = sum(isinstance(x, str) for x in [*tables["north"].a, *tables["south"].a])
    column = merged.report["columns"][0]
    assert column["beyond_limits"] == within and f"{within} beyond a limit" in report_page(merged.report)
    assert merged.report["sources"][1]["missing"] == 0
    assert any("beyond a limit of detection" in text for text in merged.report["assumptions"])
    beyond = [one for one in merged.report["warnings"] if one["kind"] == "beyond limits"]
    assert [one["sources"] for one in beyond] == [[], ["south"]] and all(one["columns"] == ["a"] for one in beyond)


def test_hospitals_with_limits_of_their_own_are_not_blamed():
    tables = hospitals(7)
    tables["south"] = below(tables["south"])
    merged = merge(tables, "id", "time", join="never")
    assert not [one for one in merged.report["warnings"] if one["kind"] != "static"]


def test_completed_tables_stay_within_limits():
    tables = limited()
    tables["north"].loc[[3, 8], "a"] = None
    model = Merge("id", "time", join="never").fit(tables)
    done = model.complete(draws=2)
    given = pd.concat(tables.values(), ignore_index=True)
    gone = np.array([isinstance(x, str) for x in given.a])
    assert done.drawn.a.sum() == 2 and not bool(done.drawn.a[gone].any())
    for table in done.tables:
        assert bool((table.a[gone] < LIMIT).all())
        kept = ~gone & given.a.notna().to_numpy()
        assert table.a[kept].tolist() == given.a[kept].tolist()
    assert bool((done.tables[0].a[gone] != done.tables[1].a[gone]).all())
    assert any("beyond a limit" in note for note in done.notes)
    moved = shifted(done, "a", [0.0, 5.0], unit="own")
    assert moved.estimate.diff()[1] == pytest.approx(5.0 * 2 / len(given), rel=0.3)


def test_draws_within_limits_are_those_of_the_law():
    law = Gaussian(torch.zeros(3).double(), torch.from_numpy(LAW))
    values = torch.tensor([[torch.nan, 1.0, -1.0], [torch.nan, torch.nan, 0.5]]).double().repeat_interleave(4000, 0)
    ends = torch.tensor([[-torch.inf, 1.0, -1.0], [-torch.inf, 0.2, 0.5]]), torch.tensor([[0.3, 1.0, -1.0], [0.3, torch.inf, 0.5]])
    limits = tuple(end.double().repeat_interleave(4000, 0) for end in ends)
    scales, noise = Scales([Identity(0.0, 1.0)] * 3, []), torch.tensor([0.2, 0.0, 0.1]).double()
    drawn = latent_rows(scales, values, law, noise, 1, Streams.of(list(map(str, range(8000))), 0), limits).numpy()
    covariance = LAW + np.diag(noise)
    slopes = np.linalg.solve(covariance[1:, 1:], covariance[1:, 0])
    mean, spread = slopes @ [1.0, -1.0], (covariance[0, 0] - slopes @ covariance[1:, 0]) ** 0.5
    assert kstest(drawn[:4000, 0], truncnorm(-np.inf, (0.3 - mean) / spread, mean, spread).cdf).pvalue > 0.01
    free = np.random.default_rng(0).multivariate_normal(
        covariance[:2, 2] / covariance[2, 2] * 0.5,
        covariance[:2, :2] - np.outer(covariance[:2, 2], covariance[:2, 2]) / covariance[2, 2],
        100_000,
    )
    kept = free[(free[:, 0] < 0.3) & (free[:, 1] > 0.2)]
    np.testing.assert_allclose(drawn[4000:, :2].mean(0), kept.mean(0), atol=0.05)
    np.testing.assert_allclose(np.cov(drawn[4000:, :2].T), np.cov(kept.T), atol=0.04)
    expectation, variance = expected_rows(scales, values[::4000], law, noise, 1, tuple(end[::4000] for end in limits))
    assert bool((variance > 0).all()) and float(expectation[0, 0]) < 0.3


def test_newcomers_may_have_limits():
    model = Merge("id", "time", join="never").fit(hospitals(0))
    new = pd.DataFrame({"id": [1, 1, 2], "time": [0, 1, 0], "a": ["<44.75", 60.0, None], "b": [20.0, 20.0, 20.0]})
    found = model.predict(new, "a")
    assert found["mean"][0] < LIMIT and found["sd"][0] > 0 and found["mean"][1] == 60 and found["mean"][2] > found["mean"][0]
    done = model.complete(new, draws=3)
    assert all(table.a[0] < LIMIT for table in done.tables) and done.drawn.a.tolist() == [False, False, True, True]
    assert len({table.a[0] for table in done.tables}) == 3 and any("beyond a limit" in note for note in done.notes)
    without = Merge("id", "time", join="never").fit(limited()).complete(new.assign(a=[50.0, 60.0, None]), draws=1)
    assert not any("beyond a limit" in note for note in without.notes)


def test_a_static_column_may_have_limits():
    tables = hospitals(2)
    for frame in tables.values():
        frame["marker"] = np.repeat(np.round(5 + (frame.b[::2].to_numpy() - 20) / 2, 3), 2)
    want = merge(tables, "id", "time", join="never")
    found = merge({name: below(frame, "marker", 4.5) for name, frame in tables.items()}, "id", "time", join="never")
    assert found.static == ("marker",) and found.panel.limits is not None
    values = torch.cat(found.panel.fixed)
    assert int(values.isnan().sum()) == sum(int((frame.marker[::2] < 4.5).sum()) for frame in tables.values()) > 20
    np.testing.assert_allclose(found.law.mean[0, -1], want.law.mean[0, -1], atol=0.05)
    np.testing.assert_allclose(found.law.covariance[0, -1, -1], want.law.covariance[0, -1, -1], rtol=0.15)


def test_limits_in_a_static_column_that_contradict_each_other():
    tables = hospitals(2)
    for frame in tables.values():
        frame["marker"] = np.repeat(np.arange(len(frame) // 2) + 0.5, 2)
    tables["north"] = tables["north"].astype({"marker": object})
    tables["north"].loc[0, "marker"], tables["north"].loc[1, "marker"] = "<0.4", ">0.6"
    with pytest.raises(TableError, match=r"changes within the patient '0' of north"):
        merge(tables, "id", "time", join="never", static="marker")
    tables["north"].loc[1, "marker"] = "<0.6"
    assert "marker" in merge(tables, "id", "time", join="never").static


def test_joined_tables_know_what_both_know():
    tables = hospitals(3)
    north, south = tables["north"], tables["south"]
    first, second = below(north).drop(columns="c"), north[["id", "time", "a", "c"]].copy()
    second["a"] = pd.Series([x if row % 2 else f">{x - 1}" for row, x in enumerate(north.a)], dtype=object)
    panel = merge({"one": first, "two": second, "south": south}, "id", "time", join="patients").panel
    lower, upper = (end.numpy()[:, [0, 3]].ravel() for end in panel.limits[0])
    known = (north.a >= LIMIT) | (np.arange(len(north)) % 2 == 1)
    order = np.argsort([int(name) for name in panel.patients[0]])
    place = (2 * order[:, None] + np.arange(2)).ravel()
    np.testing.assert_array_equal(lower[place][known], north.a[known])
    np.testing.assert_array_equal(upper[place][known], north.a[known])
    np.testing.assert_allclose(lower[place][~known], north.a[~known] - 1)
    np.testing.assert_allclose(upper[place][~known], LIMIT)
    second.loc[0, "a"] = ">99"
    with pytest.raises(TableError, match=r"'a' of the patient '0' at the time 0 is .* in one but >99 in two"):
        merge({"one": first, "two": second, "south": south}, "id", "time", join="patients")


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (lambda x: "<5", "there is no number in 'a': 400 measurements are beyond a limit of detection"),
        (lambda x: "<5" if x < 50 else 7.0, "the only number in 'a' is 7, and .* measurements are beyond a limit"),
        (lambda x: "<5,0", "holds text"),
        (lambda x: "<1e300", "the limit '<1e300'"),
        (lambda x: "<", "holds text"),
    ],
)
def test_what_no_law_can_be_found_of_is_refused(cells, said):
    tables = {name: frame.assign(a=[cells(x) for x in frame.a]) for name, frame in hospitals(0).items()}
    with pytest.raises(TableError, match=said):
        merge(tables, "id", "time", join="never")


@pytest.mark.parametrize(("cell", "low", "said"), [("<0", 1.0, True), ("<=0", 1.0, True), (">100", 60.0, True), ("<1", 1.0, False)])
def test_limits_where_no_number_can_be_are_named(cell, low, said):
    draw = np.random.default_rng(3)
    values = (low + 35 * draw.random((80, 2))).astype(object)
    values[:4, 0] = cell
    frame = pd.DataFrame({"id": range(80), "time": 0, "a": values[:, 0], "b": values[:, 1]})
    found = merge({"north": frame[::2], "south": frame[1::2]}, "id", "time", rows=10).report["warnings"]
    assert any(one["kind"] == "beyond limits" and one["columns"] == ["a"] for one in found) == said
