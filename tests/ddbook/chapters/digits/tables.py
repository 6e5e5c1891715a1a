"""A made-up table as :func:`ddbook.chapters.digits.judge.retrain_all` gives it: how many of 40 images are right, draw by draw."""

import itertools

import pandas as pd

IMAGES = 40
LEARNERS = ["kernel ridge, RBF", "network, Adam", "1-NN"]
METHODS = ["random", "k_means", "kernel_inducing_labels", "unrolled", "solved_labels", "kernel_inducing"]
BUDGETS = [10, 50]
DRAWS = range(3)
RIGHT = {  # of the images, by learner; one less for each draw
    ("random", 10): (20, 22, 24),
    ("k_means", 10): (28, 28, 30),
    ("kernel_inducing_labels", 10): (36, 20, 22),
    ("unrolled", 10): (29, 34, 27),
    ("random", 50): (30, 30, 31),
    ("k_means", 50): (34, 34, 36),
    ("kernel_inducing_labels", 50): (38, 30, 30),
    ("unrolled", 50): (34, 36, 36),
    ("solved_labels", 10): (29, 28, 30),
    ("kernel_inducing", 10): (34, 30, 31),
    ("solved_labels", 50): (35, 34, 36),
    ("kernel_inducing", 50): (37, 31, 31),
    ("full", 900): (39, 38, 38),
}


def right(count):
    """The text of a draw: the first images are right."""
    return "1" * count + "0" * (IMAGES - count)


def judged(counts=RIGHT, draws=DRAWS):
    """The table, in no order."""
    rows = []
    for ((method, budget), values), draw in itertools.product(counts.items(), draws):
        for learner, count in zip(LEARNERS, values, strict=True):
            row = {"method": method, "budget": budget, "made_for": f"{method}'s learner", "learner": learner, "seed": draw}
            row |= {"accuracy": (count - draw) / IMAGES, "right": right(count - draw), "stored_numbers": 7 * budget}
            rows.append(row | {"seconds": 0.123, "updates": 5})
    return pd.DataFrame(rows).sample(frac=1.0, random_state=0).reset_index(drop=True)
