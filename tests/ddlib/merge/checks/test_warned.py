"""Records of a panel, with and without columns that do not change."""

from types import SimpleNamespace

import numpy as np
import torch

from ddlib.merge.checks.warned import Records


def test_static_columns_are_measured_at_the_first_visit_only():
    panel = SimpleNamespace(
        columns=["hb"], sources=["a", "b"], values=[torch.ones(3, 2, 1), torch.ones(2, 2, 1)], static=["age"],
        fixed=[torch.full((3, 1), 60.0), torch.tensor([[50.0], [torch.nan]])],
    )  # fmt: skip
    records = Records.of(panel)
    assert records.columns == ["hb", "age"] and records.measured(1) == [3, 1]
    assert np.isnan(records.values[0][:, 1, 1]).all() and records.pooled(1).tolist() == [60, 60, 60, 50]
    assert Records.of(SimpleNamespace(columns=["hb"], sources=["a"], values=[torch.ones(3, 2, 1)])).columns == ["hb"]
