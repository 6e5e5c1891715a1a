"""Made-up patients of four hospitals with the chapter's columns, whose diagnosis depends on a few of them."""

import numpy as np

from ddbook.chapters.merge.four.cohort import Cohort
from ddlib.datasets.heart import CATEGORIES, VARIABLES


def cohort(each=(60, 50, 30, 40), seed=0, gaps=0.2, hidden=("ca", "thal")):
    """Numbers about the real ones; the hospitals differ in prevalence, only the first measures what is hidden."""
    draw = np.random.default_rng(seed)
    hospital = np.repeat(np.arange(len(each)), each)
    severity = draw.normal(size=len(hospital)) + np.array([0.0, -0.5, 1.0, 0.5])[hospital]
    disease = (draw.random(len(hospital)) < 1 / (1 + np.exp(-2 * severity))).astype(float)
    columns = []
    for name in VARIABLES:
        latent = draw.normal(size=len(hospital)) + (0.8 * severity if name in ("cp", "exang", "oldpeak", "thalach", "ca") else 0)
        if name in CATEGORIES:
            codes = sorted(CATEGORIES[name])
            columns.append(np.array(codes)[np.digitize(latent, np.linspace(-1, 1.5, len(codes) + 1)[1:-1])].astype(float))
        else:
            columns.append({"age": 55.0, "trestbps": 130.0, "chol": 240.0, "thalach": 140.0, "oldpeak": 1.0}[name] + latent)
    values = np.stack(columns, axis=1)
    values[draw.random(values.shape) < gaps] = np.nan
    for name in hidden:
        values[hospital > 0, VARIABLES.index(name)] = np.nan
    return Cohort(values, disease, hospital, np.arange(len(hospital)), VARIABLES, len(each))
