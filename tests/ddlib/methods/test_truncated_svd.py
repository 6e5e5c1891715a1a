import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlib.closed_forms import label_scale
from ddlib.methods import TruncatedSVD
from ddlib.methods.joined import joined
from ddlib.problem import Distilled, distil
from ddlib.tasks import EmpiricalTask, RidgeTask
from tests.ddlib.worlds import UNEVEN, class_data, generator, random_data, seeds


def summary(data: Distilled, budget: int) -> Distilled:
    return distil(TruncatedSVD(), RidgeTask(data), budget, 0, generator())[0]


def moments(points: Distilled, scale: torch.Tensor) -> torch.Tensor:
    """Weighted second moments of [x, y / scale]."""
    rows = torch.cat([points.x, (points.y / scale).unsqueeze(-1)], -1)
    return rows.mT @ (points.w.unsqueeze(-1) * rows)


@given(seeds, st.integers(1, 3))
@settings(max_examples=20)
def test_no_other_set_has_nearer_second_moments(seed, budget):
    draw = generator(seed)
    data = random_data(seed)
    data = data._replace(w=torch.rand(data.w.shape, generator=draw, dtype=torch.float64))
    scale = label_scale(data)
    whole, chosen = moments(data, scale), summary(data, budget)
    least = (moments(chosen, scale) - whole).norm()
    tail = torch.linalg.eigvalsh(whole)[0, : 4 - budget].norm()  # Eckart and Young's value
    torch.testing.assert_close(least, tail, rtol=1e-8, atol=1e-8 * whole.norm().item())
    for size in (1e-3, 0.1, 1.0):
        for _ in range(10):
            noise = (torch.randn(part.shape, generator=draw, dtype=torch.float64) for part in chosen[:2])
            other = chosen._replace(x=chosen.x + size * next(noise), y=chosen.y + size * scale * next(noise))
            assert (moments(other, scale) - whole).norm() >= least * (1 - 1e-9) - 1e-9


def test_all_rows_have_the_moments_of_the_data_in_ys_own_units():
    data = random_data(0)._replace(y=1000 * random_data(0).y)
    one = torch.ones(1, 1).double()
    torch.testing.assert_close(moments(summary(data, 4), one), moments(data, one), rtol=1e-9, atol=1e-6)


def test_labels_that_are_all_the_same_give_finite_rows():
    data = random_data(0)
    assert all(bool(part.isfinite().all()) for part in summary(data._replace(y=torch.full_like(data.y, 0.1)), 3))


@given(seeds, st.integers(1, 6))
@settings(max_examples=10)
def test_its_surrogate_reaches_eckart_and_youngs_value_with_class_labels_too(seed, budget):
    for data in (random_data(seed), class_data(seed, UNEVEN)):
        data = data._replace(w=torch.rand(data.w.shape, generator=generator(seed), dtype=torch.float64))
        task = EmpiricalTask(data)
        chosen = distil(TruncatedSVD(), task, budget, 0, generator())[0]
        singular = torch.linalg.svdvals(joined(data) * data.w.sqrt().unsqueeze(-1))
        least = (singular[..., budget:] ** 4).sum(-1)
        torch.testing.assert_close(TruncatedSVD().surrogate(task, chosen), least, rtol=1e-8, atol=1e-8)
