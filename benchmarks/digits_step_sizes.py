"""How the step sizes of chapter 03 were chosen: by the validation accuracy of the learner that a method is made for.

On splits that the chapter does not show. Prints, for each method, budget and step size, the mean validation accuracy and its
standard error over splits. Run it with ``python benchmarks/digits_step_sizes.py``; it takes about ten minutes on one core.

The rule: the middle step size, unless another one is better by more than twice its standard error. What was measured, in per cent,
for 10 points (small, middle and large step size) and for 100 points, with the choice in brackets:

    distribution_matching       87.1 ± 1.3  [87.1 ± 1.1]  87.1 ± 1.2       95.5 ± 0.4  [95.5 ± 0.1]  95.2 ± 0.3
    gradient_matching           87.0 ± 1.5  [87.1 ± 1.2]  87.5 ± 1.2       95.2 ± 0.4  [94.7 ± 0.3]  94.4 ± 0.2
    gradient_matching_cosine    87.3 ± 1.0  [86.8 ± 1.2]  86.9 ± 1.1      [94.4 ± 0.2]  92.8 ± 0.6   92.7 ± 0.2
    trajectory_matching         88.1 ± 1.1  [89.3 ± 1.2]  89.3 ± 1.0       94.9 ± 0.8  [94.7 ± 0.4]  94.1 ± 0.5
    kernel_inducing             93.8 ± 0.4  [94.4 ± 0.2]  93.7 ± 0.6       98.8 ± 0.4  [99.0 ± 0.2]  98.9 ± 0.1
    kernel_inducing_labels      94.8 ± 0.3  [94.6 ± 0.8]  94.6 ± 0.5       98.4 ± 0.2  [98.9 ± 0.1]  98.9 ± 0.1
    unrolled                    91.6 ± 0.6  [93.0 ± 0.5]  92.5 ± 0.7       96.0 ± 0.5  [96.1 ± 0.3]  95.5 ± 0.4
    unrolled_truncated         [89.9 ± 0.4]  88.7 ± 0.7   86.1 ± 0.7       95.6 ± 0.3  [95.6 ± 0.3]  96.2 ± 0.5
    implicit                    91.9 ± 1.0  [93.6 ± 0.7]  94.9 ± 0.8       95.3 ± 1.0  [96.4 ± 0.8]  96.7 ± 1.1
    zeroth_order_antithetic     91.2 ± 1.2  [92.0 ± 0.9]  91.0 ± 1.4       97.2 ± 0.4  [97.4 ± 0.3]  97.4 ± 0.1
"""

from __future__ import annotations

from ddbook.chapters.digits.experiment import STEP_SIZES, Digits, make
from ddlib.trial import retrained_risk

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
