"""The surrogate of kernel matching against scikit-learn's kernel ridge regressions, one for each kernel of the family."""

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from ddlib.pinn import PROBLEMS, PinnTask, scatter
from ddlib.pinn.methods.bounded import bounds
from ddlib.pinn.methods.kernel_matching import KernelMatching
from ddlib.pinn.teachers.teacher import Taught, label, lesson
from tests.ddlib.worlds import generator


@pytest.mark.parametrize("name", ["Burgers", "wave"])
def test_the_surrogate_is_that_of_one_regression_per_kernel(name):
    problem = PROBLEMS[name]
    task = PinnTask.make(problem, 2, generator())
    teacher = Taught(problem.exact_at)
    method = KernelMatching(teacher=teacher, penalty=1e-3, count=32)
    points = label(scatter(problem, 9, 2, generator(5)), teacher.labels)
    goal = lesson(task, teacher, 32, generator())
    found = method.surrogate(task, points, generator(), goal)
    low, high = (side.numpy() for side in bounds(task))
    for r in range(2):
        x, z = ((part[r].numpy() - low) / (high - low) for part in (points.x, goal.rows.x))
        y, u = points.y[r].numpy(), goal.rows.y[r].numpy()
        logs = []
        for along, across in method.lengths:
            lengths = np.array([*[along] * (problem.dimension - 1), across])
            ridge = KernelRidge(alpha=method.penalty, kernel="rbf", gamma=0.5).fit(x / lengths, y - y.mean())
            apart = ridge.predict(z / lengths) + y.mean() - u
            logs.append(np.log(np.mean(apart**2) / u.var(ddof=1)))
        assert found[r].item() == pytest.approx(np.mean(logs), rel=1e-8)
