"""What a newcomer writes: it works, or one sentence names the argument and says what to write instead, and that then works."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.svm import SVC

from ddlib import Distilled, distil, lens, regret
from ddlib.augmentations import Flip, OneOf, Shift
from ddlib.learners import KernelRidge, ModuleLearner, Network, RandomForest, SoftmaxRegression, TrainedNetwork, Training
from ddlib.methods import (
    DistributionMatching,
    Exact,
    FirstOrder,
    GradientMatching,
    Implicit,
    KernelInducing,
    KMeans,
    RandomRows,
    Unrolled,
)
from ddlib.tasks import (
    ClassificationTask,
    JointTask,
    RegressionTask,
    RidgeTask,
    Sources,
    StreamedTask,
    as_data,
    class_labels,
    split,
)
from tests.ddlib.sentences import refuses
from tests.ddlib.worlds import generator

X = torch.randn(50, 3, generator=generator(), dtype=torch.float64)
Y = X[:, 0].clone()
ABOVE = (Y > 0).long()
DATA = as_data(X, Y)
TASK = RidgeTask(DATA)
PARTS = split(X, class_labels(ABOVE), (30, 10, 10), 2, generator())
CLASSES = ClassificationTask(PARTS, KernelRidge())
NETWORK = ClassificationTask(PARTS, TrainedNetwork(Network((4,)), Training(2)))


def run(method=None, task=TASK, budget=2, steps=0, draws=None):
    return distil(method or KMeans(), task, budget, steps, draws or generator())


class Svm:
    name = "svm"

    def fit(self, data, draws=None):
        return [SVC().fit(x, y.argmax(-1)) for x, y in zip(data.x.numpy(), data.y.numpy(), strict=True)]

    def predict(self, model, x):
        return torch.stack([torch.eye(2)[torch.as_tensor(one.predict(rows.numpy()))] for one, rows in zip(model, x, strict=True)])


def negated(x):
    return -x


ITEMS = torch.utils.data.TensorDataset(X, ABOVE)
STREAM = StreamedTask(ClassificationTask, Sources(ITEMS, ITEMS, ITEMS), NETWORK.learner, classes=2)


def fresh(shape=(3, 2)):
    return torch.nn.Linear(*shape)


WORKS = {
    "arrays": lambda: as_data(X.numpy(), Y.numpy()),
    "a table": lambda: as_data(pd.DataFrame(X.numpy()), pd.Series(Y.numpy())),
    "lists": lambda: as_data(X.tolist(), Y.tolist()),
    "whole labels": lambda: RidgeTask(as_data(X, ABOVE)).reference,
    "two types": lambda: RidgeTask(as_data(X.float(), Y)).reference,
    "pixels": lambda: RidgeTask(as_data((X * 10).abs().to(torch.uint8), Y)).reference,
    "one-hot": lambda: ClassificationTask(split(X, torch.eye(2)[ABOVE], (30, 10, 10), 2, generator()), KernelRidge()).reference,
    "names of classes": lambda: class_labels(np.array(["no", "yes"])),
    "shares": lambda: split(X, Y, (0.8, 0.1, 0.1), 1, generator()),
    "no steps": lambda: run(FirstOrder()),
    "steps of a closed form": lambda: run(RandomRows(), steps=5),
}


@pytest.mark.parametrize("what", WORKS)
def test_what_is_meant_is_plain_and_works(what):
    WORKS[what]()


WRONG = {
    "whole class labels": (
        lambda: ClassificationTask(split(X, ABOVE, (30, 10, 10), 2, generator()), KernelRidge()),
        r"labels need one column per class.*class_labels\(y\)",
        lambda: ClassificationTask(split(X, class_labels(ABOVE), (30, 10, 10), 2, generator()), KernelRidge()),
    ),
    "too few classes": (lambda: class_labels([0, 1, 2], 2), r"raise the count, or leave it out", lambda: class_labels([0, 1, 2])),
    "several labels at once": (
        lambda: ClassificationTask(split(X, (X > 0).double(), (30, 10, 10), 1, generator()), KernelRidge()),
        r'RegressionTask\(splits, learner, loss="binary_cross_entropy"\)',
        lambda: RegressionTask(split(X, (X > 0).double(), (30, 10, 10), 1, generator()), KernelRidge(), "binary_cross_entropy"),
    ),
    "a class as method": (lambda: run(KMeans), r"method.*KMeans is a class: write KMeans\(", run),
    "a budget of 2.0": (lambda: run(budget=2.0), "the budget must be a whole number", run),
    "a number of steps of 2.0": (lambda: run(steps=2.0), "the number of steps must be a whole number", run),
    "a seed": (lambda: distil(KMeans(), TASK, 2, 0, 0), r"generator.*torch\.Generator\(\)\.manual_seed\(0\)", run),
    "no generator": (lambda: distil(KMeans(), TASK, 2, 0), r"generator.*torch\.Generator\(\)\.manual_seed\(0\)", run),
    "a seed to split": (
        lambda: split(X, Y, (30, 10, 10), 1, 0),
        r"torch\.Generator\(\)\.manual_seed\(0\)",
        lambda: split(X, Y, (30, 10, 10), 1, generator()),
    ),
    "data as task": (lambda: run(task=DATA), r"task must say.*RidgeTask\(as_data\(x, y\)\)", run),
    "x and y as task": (lambda: run(task=(X, Y)), r"task must say.*RidgeTask\(as_data\(x, y\)\)", run),
    "a task without fit": (lambda: run(task=object()), "task has no name and no train", run),
    "too large a budget": (lambda: run(budget=500), "ask for a smaller budget", run),
    "no closed form": (lambda: run(Exact(), NETWORK), "use an iterative method", lambda: run(FirstOrder(), NETWORK, steps=1)),
    "one width": (lambda: Network(64), r"write \(64,\)", lambda: Network((64,))),
    "a text of parts": (lambda: KernelInducing(learn="xy"), r"write \('x', 'y'\)", lambda: KernelInducing(learn=("x", "y"))),
    "an unknown part": (
        lambda: KernelInducing(learn=("weights",)),
        "some of 'x', 'y' and 'w'",
        lambda: KernelInducing(learn=("w",)),
    ),
    "one penalty": (lambda: RidgeTask(DATA, penalties=10.0), r"write \(10\.0,\)", lambda: RidgeTask(DATA, penalties=(10.0,))),
    "a penalty as replicates": (
        lambda: RidgeTask(DATA, 10.0),
        "give settings of the learner by their names",
        lambda: RidgeTask(DATA, penalties=(10.0,)),
    ),
    "other units": (
        lambda: TASK.fit(Distilled(torch.zeros(1, 2, 5), torch.zeros(1, 2), torch.ones(1, 2)).to(torch.float64)),
        r"units of shape \(5,\).*units of shape \(3,\)",
        lambda: TASK.fit(DATA),
    ),
    "other units for any learner": (
        lambda: CLASSES.fit(PARTS.train._replace(x=PARTS.train.x[..., :2])),
        r"units of shape \(2,\).*units of shape \(3,\)",
        lambda: CLASSES.fit(PARTS.train),
    ),
    "no replicates": (lambda: TASK.fit(Distilled(X, Y, torch.ones(50))), r"x\[None\]", lambda: TASK.fit(as_data(X, Y))),
    "the regret of a set": (
        lambda: regret(TASK, run().distilled),
        r"regret\(task, task\.fit\(distilled\)\)",
        lambda: regret(TASK, TASK.fit(run().distilled)),
    ),
    "an unknown split": (lambda: CLASSES.risk(CLASSES.reference, "val"), "'validation'", lambda: CLASSES.risk(CLASSES.reference)),
    "an unknown split of D": (lambda: TASK.risk(TASK.reference, "tset"), "'test'", lambda: TASK.risk(TASK.reference, "test")),
    "a class as learner": (
        lambda: ClassificationTask(PARTS, KernelRidge),
        r"write KernelRidge\(",
        lambda: ClassificationTask(PARTS, KernelRidge()),
    ),
    "a module as learner": (
        lambda: ClassificationTask(PARTS, fresh()),
        r"ModuleLearner\(build, loss\)",
        lambda: ClassificationTask(PARTS, ModuleLearner(lambda: fresh().double(), "cross_entropy", Training(2))).reference,
    ),
    "a module that is built": (lambda: ModuleLearner(fresh()), "write lambda: ", lambda: ModuleLearner(fresh)),
    "scikit-learn's estimator": (
        lambda: ClassificationTask(PARTS, SVC()),
        "write a class with name, fit and predict",
        lambda: ClassificationTask(PARTS, Svm()).risk(ClassificationTask(PARTS, Svm()).reference, "test"),
    ),
    "no objective": (lambda: run(Unrolled(), CLASSES, steps=1), "choose a method that needs none", lambda: run(KMeans(), CLASSES)),
    "no tensor": (lambda: run(Implicit(), CLASSES, steps=1), "choose a method that needs none", lambda: run(KMeans(), CLASSES)),
    "no gradient": (
        lambda: run(FirstOrder(), ClassificationTask(PARTS, RandomForest(3)), steps=1),
        "choose a method that needs none",
        lambda: run(KMeans(), ClassificationTask(PARTS, RandomForest(3))),
    ),
    "no gradient through a solver": (
        lambda: run(FirstOrder(), ClassificationTask(PARTS, SoftmaxRegression()), steps=1),
        "choose a method that needs none",
        lambda: run(Implicit(), ClassificationTask(PARTS, SoftmaxRegression(), "cross_entropy"), steps=1),
    ),
    "one set for many": (
        lambda: lens.cross_task(run().distilled, [TASK]),
        r"cross_task\(\[distilled\], tasks\)",
        lambda: lens.cross_task([run().distilled], [TASK]),
    ),
    "one task for many": (
        lambda: lens.cross_task([run().distilled], TASK),
        r"\[task\]",
        lambda: lens.cross_task([run().distilled], [TASK]),
    ),
    "no surrogate": (
        lambda: lens.faithfulness(RandomRows(), TASK, lens.cloud(TASK, [run().distilled], generator()), generator()),
        "has no surrogate",
        lambda: lens.faithfulness(KMeans(), TASK, lens.cloud(TASK, [run().distilled], generator()), generator()),
    ),
    "other replicates": (
        lambda: RidgeTask(PARTS.train._replace(y=PARTS.train.y[..., 0]), 3),
        "give 1, or as many",
        lambda: RidgeTask(PARTS.train._replace(y=PARTS.train.y[..., 0]), 2),
    ),
    "splits for one data set": (
        lambda: RidgeTask(PARTS),
        r"splits\.train",
        lambda: RidgeTask(PARTS.train._replace(y=PARTS.train.y[..., 0]), 2),
    ),
    "data for splits": (
        lambda: ClassificationTask(DATA, KernelRidge()),
        r"split\(x, y, sizes",
        lambda: ClassificationTask(PARTS, KernelRidge()),
    ),
    "sizes that exceed": (
        lambda: split(X, Y, (40, 10, 10), 1, generator()),
        "cannot be made of 50",
        lambda: split(X, Y, (30, 10, 10), 1, generator()),
    ),
    **{
        f"sizes that are no three numbers: {sizes!r}": (
            lambda sizes=sizes: split(X, Y, sizes, 1, generator()),
            r"the sizes must be three .*write \(0\.6, 0\.2, 0\.2\)",
            lambda: split(X, Y, (0.6, 0.2, 0.2), 1, generator()),
        )
        for sizes in (0.8, None, "abc", (0.8, 0.2))
    },
    **{
        f"{getattr(augment, '__name__', repr(augment))} as augmentation of {method.__name__}": (
            lambda method=method, augment=augment: method(augment=augment),
            sentence,
            lambda method=method: run(method(augment=Flip()), CLASSES, steps=1),
        )
        for method in (GradientMatching, DistributionMatching)
        for augment, sentence in (
            ("flip", r"function of units and a generator.*write Flip\(\)"),
            ([Flip()], r"function of units and a generator.*OneOf\(\("),
            (Flip, r"Flip is a class: write Flip\(\)"),
            (torch.nn.Identity(), r"write a function of \(x, generator\)"),
            (negated, r"write a function of \(x, generator\)"),
        )
    },
    "one of no augmentations": (lambda: OneOf(Flip()), r"write OneOf\(\(", lambda: OneOf((Flip(), Shift(2)))),
    "one of the names of augmentations": (lambda: OneOf(("flip",)), r"write Flip\(\)", lambda: OneOf((Flip(),))),
    "labels in a column": (
        lambda: ClassificationTask(split(X, ABOVE[:, None], (30, 10, 10), 2, generator()), KernelRidge()),
        r"class_labels\(y\[:, 0\]\)",
        lambda: ClassificationTask(split(X, class_labels(ABOVE[:, None][:, 0]), (30, 10, 10), 2, generator()), KernelRidge()),
    ),
    "a tuple of datasets": (
        lambda: StreamedTask(ClassificationTask, (ITEMS,) * 3, NETWORK.learner, classes=2),
        r"write Sources\(train, validation, test\)",
        lambda: run(RandomRows(), STREAM),
    ),
    "classes that nobody counted": (
        lambda: run(RandomRows(), StreamedTask(ClassificationTask, Sources(ITEMS, ITEMS, ITEMS), NETWORK.learner)),
        r"write StreamedTask\(\.\.\., classes=10\)",
        lambda: run(RandomRows(), STREAM),
    ),
    "a stream to see at once": (
        lambda: run(KMeans(), STREAM),
        r"such as FirstOrder\(batch=256\)",
        lambda: run(RandomRows(), STREAM),
    ),
    "an unknown activation": (lambda: Network((3,), "gelu"), "'relu' or 'tanh'", lambda: Network((3,), "relu")),
    "several numbers, class by class": (
        lambda: run(GradientMatching(), RegressionTask(split(X, X[:, :2], (30, 10, 10), 1, generator()), KernelRidge()), steps=1),
        "no labels that are classes or one number",
        lambda: run(
            GradientMatching(per_class=False),
            RegressionTask(split(X, X[:, :2], (30, 10, 10), 1, generator()), KernelRidge()),
            steps=1,
        ),
    ),
    "centred labels as answers": (
        lambda: RegressionTask(PARTS, KernelRidge(), "binary_cross_entropy"),
        "yes-or-no labels are 0 or 1",
        lambda: RegressionTask(split(X, torch.eye(2)[ABOVE], (30, 10, 10), 1, generator()), KernelRidge(), "binary_cross_entropy"),
    ),
    "the cross-entropy of one number": (
        lambda: RegressionTask(split(X, Y, (30, 10, 10), 1, generator()), KernelRidge(), "cross_entropy").risk(
            RegressionTask(split(X, Y, (30, 10, 10), 1, generator()), KernelRidge()).reference
        ),
        "always 0",
        lambda: RegressionTask(split(X, Y, (30, 10, 10), 1, generator()), KernelRidge(), "squared"),
    ),
    "a missing class": (lambda: class_labels(["a", None, "b"]), "missing", lambda: class_labels(["a", "b"])),
    "numbers with fractions as classes": (
        lambda: class_labels(X[:, 0]),
        "choose a RegressionTask",
        lambda: class_labels(X[:, 0] > 0),
    ),
    "class labels to a regression": (
        lambda: RidgeTask(as_data(X, class_labels(ABOVE))),
        "ClassificationTask",
        lambda: ClassificationTask(PARTS, KernelRidge()),
    ),
    "the budget of another state": (
        lambda: distil(FirstOrder(), TASK, 5, 1, generator(), state=run(FirstOrder(), steps=1)),
        "give that of the earlier run",
        lambda: distil(FirstOrder(), TASK, 2, 1, generator(), state=run(FirstOrder(), steps=1)),
    ),
    "a set as state": (
        lambda: distil(FirstOrder(), TASK, 2, 1, generator(), state=run().distilled),
        "write state=run.state",
        lambda: distil(FirstOrder(), TASK, 2, 1, generator(), state=run(FirstOrder(), steps=1).state),
    ),
    "a run as set": (lambda: TASK.fit(run()), r"write run\.distilled", lambda: TASK.fit(run().distilled)),
    "the risk of a set": (
        lambda: CLASSES.risk(PARTS.train),
        r"task\.risk\(task\.fit\(distilled\)\)",
        lambda: CLASSES.risk(CLASSES.fit(PARTS.train)),
    ),
    "a learner as network": (
        lambda: GradientMatching(network=NETWORK.learner),
        r"learner\.network",
        lambda: GradientMatching(network=NETWORK.learner.network),
    ),
    "a set to begin at": (
        lambda: FirstOrder(begin=run().distilled),
        r"begin=Given\(distilled\)",
        lambda: FirstOrder(begin=KMeans()),
    ),
    "a kernel by name": (lambda: KernelRidge(kernel="rbf"), r"write RBF\(1\.0\)", lambda: KernelRidge()),
    "a half of a gradient": (
        lambda: run(FirstOrder(), JointTask((CLASSES, ClassificationTask(PARTS, RandomForest(3)))), steps=1),
        "random forest has no gradient",
        lambda: run(KMeans(), JointTask((CLASSES, ClassificationTask(PARTS, RandomForest(3))))),
    ),
    "texts as numbers": (
        lambda: as_data([["a"], ["b"]], [0, 1]),
        r"x must be numbers.*class_labels",
        lambda: as_data([[1.0], [2.0]], [0, 1]),
    ),
    "missing values": (lambda: as_data([[1.0], [np.nan]], [0, 1]), "drop or impute", lambda: as_data([[1.0]], [0])),
    "two types by hand": (
        lambda: RidgeTask(DATA._replace(y=DATA.y.float())),
        r"data\.to\(torch\.float64\)",
        lambda: RidgeTask(DATA._replace(y=DATA.y.float()).to(torch.float64)),
    ),
    "a step that is too long": (
        lambda: run(Unrolled(training=Training(50, 1e6, "sgd")), NETWORK, steps=3),
        "no finite surrogate",
        lambda: run(Unrolled(training=Training(50, 1e-2, "sgd")), NETWORK, steps=3),
    ),
    "a batch of no units": (lambda: FirstOrder(batch=0), "batch must have a whole number", lambda: FirstOrder(batch=1)),
    "a width of a matching network": (
        lambda: GradientMatching(network=Network(64)),
        r"write \(64,\)",
        lambda: run(GradientMatching(network=Network((64,))), CLASSES, steps=1),
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_one_sentence_says_what_to_write_instead_and_that_works(what):
    wrong, sentence, right = WRONG[what]
    refuses(wrong, sentence)
    right()
