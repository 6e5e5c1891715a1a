"""How the step sizes of chapter 03 were chosen: by the validation accuracy of the learner that a method is made for.

On splits that the chapter does not show. Prints, for each method, budget and step size, the mean validation accuracy and its
standard error over splits. Run it with ``python benchmarks/digits_step_sizes.py``; it takes about ten minutes on one core.
"""

from __future__ import annotations

from ddlib.digits.experiment import STEP_SIZES, Digits
from ddlib.transfer import make, retrained_risk

EXPERIMENT = Digits(replicates=3, seed=77)  # the chapter's seed is 0
FACTORS = (0.25, 1.0, 4.0)
CENTRE = {name: 0.02 for name in STEP_SIZES} | {
    "zeroth_order_antithetic": 0.2,
    "kernel_inducing": 0.05,
    "kernel_inducing_labels": 0.05,
}
BUDGETS = (10, 100)


def main() -> None:
    for name in STEP_SIZES:
        for budget in BUDGETS:
            for factor in FACTORS:
                recipe = EXPERIMENT.recipe(name, budget, lr=factor * CENTRE[name])
                try:
                    made = make(recipe, budget, EXPERIMENT.generator(budget))
                except FloatingPointError:
                    print(f"{name:26} {budget:4} {factor * CENTRE[name]:6.3f}  not finite", flush=True)
                    continue
                accuracy = 1 - retrained_risk(recipe.task, made.distilled, EXPERIMENT.generator(1), 3, "validation")
                error = float(accuracy.std() / len(accuracy) ** 0.5)
                print(f"{name:26} {budget:4} {factor * CENTRE[name]:6.3f}  {accuracy.mean():.3f} ± {error:.3f}", flush=True)


if __name__ == "__main__":
    main()
