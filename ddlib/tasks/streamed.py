"""Tasks on data that do not fit into memory: units are read from torch datasets as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.data import DataLoader

from ddlib.arguments import check_batch, is_whole, takes
from ddlib.losses import Loss, LossName
from ddlib.problem import Block, Distilled, Split, whole_set
from ddlib.protocols import Learner
from ddlib.tasks.arrays import class_labels, numbers
from ddlib.tasks.classification import ClassificationTask
from ddlib.tasks.splits import Splits, known_split
from ddlib.tasks.supervised import SupervisedTask

__all__ = ["Sources", "StreamedTask"]


class Sources(NamedTuple):
    """Where units are read from: three torch datasets with a length whose items are pairs (unit, label), or their DataLoaders.

    >>> rows = torch.utils.data.TensorDataset(torch.zeros(4, 3), torch.zeros(4))
    >>> len(Sources(rows, rows, rows).train)
    4
    """

    train: Any
    validation: Any
    test: Any


@dataclass(frozen=True, eq=False)
class StreamedTask:
    r"""A supervised task whose data are read as they are needed; methods distil from it with a ``batch``.

    Each update of a method reads a batch of its own, drawn with replacement, for every replicate; a risk reads all units of a split
    once, a chunk at a time, and so does each update of a method of the risk itself without a ``batch``. Methods that must see all
    data at once, such as ``KMeans()``, are refused; :class:`~ddlib.methods.RandomRows` is not. All replicates learn from the same
    data. The reference is the model that the learner's training reaches with a fresh batch of ``chunk`` units in each step.

    Attributes:
        kind: what the task is on a batch: the class :class:`~ddlib.tasks.ClassificationTask` or
            :class:`~ddlib.tasks.RegressionTask` itself.
        sources: three torch datasets; of a DataLoader only its dataset is used, not its batches, order or workers.
        learner: one that is trained by gradient steps, a :class:`~ddlib.learners.ModuleLearner` or
            :class:`~ddlib.learners.TrainedNetwork`.
        loss: what methods descend (:mod:`ddlib.losses`).
        classes: C, if items are pairs (unit, class) with a class from 0 to C - 1; None: labels are numbers, or rows of them.
        replicates: R.
        chunk: units read at a time.
        dtype: of the units; None: their own, whole numbers float64.

    >>> from ddlib.learners import Network, TrainedNetwork
    >>> from ddlib.tasks import ClassificationTask
    >>> rows = torch.utils.data.TensorDataset(torch.randn(100, 3), torch.arange(100) % 2)
    >>> task = StreamedTask(ClassificationTask, Sources(rows, rows, rows), TrainedNetwork(Network((4,))), classes=2)
    >>> task.minibatch(8, torch.Generator().manual_seed(0)).train.x.shape
    torch.Size([1, 8, 3])
    """

    kind: type[SupervisedTask]
    sources: Sources
    learner: Learner
    loss: LossName | Loss = "squared"
    classes: int | None = None
    replicates: int = 1
    chunk: int = 256
    dtype: torch.dtype | None = None
    streamed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not (isinstance(self.kind, type) and issubclass(self.kind, SupervisedTask)):
            raise TypeError(f"the kind is a class of tasks, but it is {self.kind!r}: write ClassificationTask or RegressionTask")
        if not is_whole(self.replicates) or not is_whole(self.chunk):
            raise ValueError(f"replicates and chunk must be whole numbers of at least 1, not {self.replicates} and {self.chunk}")
        if not hasattr(self.learner, "training") or not hasattr(self.learner, "objective"):
            raise TypeError(
                f"{getattr(self.learner, 'name', self.learner)} is not trained by gradient steps and so cannot learn "
                "from a stream: take a ModuleLearner or a TrainedNetwork"
            )
        if not isinstance(self.sources, Sources):
            kind = type(self.sources).__name__
            raise TypeError(f"the sources are three datasets, but this is a {kind}: write Sources(train, validation, test)")
        takes(self.learner, {"fit": "data, generator=None", "predict": "model, x"}, f"the learner {self.learner.name}")
        for name, source in self.sources._asdict().items():
            if not (hasattr(_items(source), "__getitem__") and hasattr(_items(source), "__len__") and len(_items(source))):
                raise TypeError(f"the {name} data must be a torch dataset with a length and items by number, not {source!r}")

    @property
    def of_classes(self) -> bool:
        """Whether rows of labels are classes."""
        return getattr(self.kind, "of_classes", True)

    @property
    def name(self) -> str:
        """The learner's name."""
        return self.learner.name

    @property
    def train(self) -> Distilled:
        """Not held.

        Raises:
            TypeError: always.
        """
        raise TypeError(
            f"the data of {self.name} are read as they are needed and not held: give the method a batch, such as batch=256, or "
            "choose one that has it, such as FirstOrder(batch=256), or RandomRows()"
        )

    @cached_property
    def reference(self) -> Any:
        """The model that the learner's training reaches on the training data."""
        draw = torch.Generator().manual_seed(0)
        learner: Any = self.learner
        start = learner.initial(self._shown(self._drawn(self.chunk, draw)), draw)
        with torch.no_grad():
            return learner.training.run(lambda theta: learner.objective(theta, self._shown(self._drawn(self.chunk, draw))), start)

    def start(self, budget: int, generator: torch.Generator) -> Distilled:
        """Units of the training data, drawn without replacement for each replicate.

        Raises:
            ValueError: if there are fewer than the budget.
        """
        count = len(_items(self.sources.train))
        if budget > count:
            raise ValueError(f"the budget is {budget} but the data of {self.name} have {count} units: ask for at most as many")
        draws = [torch.randperm(count, generator=generator, device=generator.device)[:budget] for _ in range(self.replicates)]
        return self._read("train", torch.stack(draws))

    def serving(self, replicates: int) -> StreamedTask:
        """The same task for another number of sets side by side."""
        return replace(self, replicates=replicates)

    def minibatch(self, size: int, generator: torch.Generator) -> SupervisedTask:
        """The task on units of the training data that are read now, drawn with replacement for each replicate."""
        return self._on(self._drawn(size, generator))

    def fit(self, distilled: Distilled, generator: torch.Generator | None = None) -> Any:
        """The learner."""
        return self.learner.fit(self._shown(distilled), generator)

    def risk(self, model: Any, split: Split = "train") -> Float[Tensor, " R"]:
        """The criterion on all units of a split, read in chunks."""
        return self._mean(split, lambda part: part.risk(model))

    def training_loss(self, model: Any) -> Float[Tensor, " R"]:
        """The loss on all training data, read in chunks."""
        return self._mean("train", lambda part: part.training_loss(model))

    def blocks(self, distilled: Distilled) -> Sequence[Block]:
        """One block: the whole set, with the loss on all training data."""
        return [whole_set(self, distilled)[0]._replace(risk=self.training_loss)]

    def initial(self, generator: torch.Generator) -> Any:
        """The learner's own first draw."""
        learner: Any = self.learner
        return learner.initial(self._shown(self._read("train", torch.zeros(self.replicates, 1, dtype=torch.long))), generator)

    def objective(self, model: Any, distilled: Distilled) -> Float[Tensor, " R"]:
        """What the learner minimises."""
        learner: Any = self.learner
        return learner.objective(model, self._shown(distilled))

    def _drawn(self, size: int, generator: torch.Generator) -> Distilled:
        check_batch(size)
        count = len(_items(self.sources.train))
        return self._read("train", torch.randint(count, (self.replicates, size), generator=generator, device=generator.device))

    def _read(self, split: Split, rows: Int[Tensor, "R b"]) -> Distilled:
        """The units of these numbers."""
        known_split(split)
        items = _items(getattr(self.sources, split))
        pairs = [items[number] for number in rows.flatten().tolist()]
        x = torch.stack([numbers(unit, "the units") for unit, _ in pairs])
        x = x if self.dtype is None else x.to(self.dtype)
        labels = [label for _, label in pairs]
        if self.classes:
            y = class_labels(torch.as_tensor(labels), self.classes, x.dtype)
        else:
            y = torch.stack([numbers(one, "y") for one in labels])
            if y.ndim == 1 and issubclass(self.kind, ClassificationTask):
                raise ValueError("labels name classes, but nothing says how many there are: write StreamedTask(..., classes=10)")
        x, y = (part.unflatten(0, rows.shape) for part in (x, y.to(x)))
        return Distilled(x, y, x.new_ones(rows.shape))

    def _mean(self, split: Split, score: Any) -> Float[Tensor, " R"]:
        """The mean of a score over all units."""
        total: Any = 0
        for part in self._parts(split):
            total = total + score(self._on(part)) * part.budget
        return total / len(_items(getattr(self.sources, split)))

    def _parts(self, split: Split) -> Iterator[Distilled]:
        known_split(split)
        for rows in torch.arange(len(_items(getattr(self.sources, split)))).split(self.chunk):
            yield self._read(split, rows[None])

    def _on(self, data: Distilled) -> SupervisedTask:
        """The task on data that are held; its reference is that of the whole."""
        task = self.kind(Splits(data, data, data), self.learner, self.loss)
        task.__dict__["whole"] = self
        return task

    def _shown(self, data: Distilled) -> Distilled:
        return data if getattr(self.learner, "any_shape", False) else data.rows()


def _items(source: Any) -> Any:
    """The dataset behind a DataLoader, or the dataset."""
    return source.dataset if isinstance(source, DataLoader) else source
