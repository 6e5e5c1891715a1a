"""What is claimed: ``book/claims.yml``, checked line by line when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ddbook.kit.scores import Score
from ddlib.files import InputError, read_yaml

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Text = Annotated[str, Field(min_length=3)]
Column = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*$")]


class Statistic(BaseModel):
    """A measured quantity, and where a claim wants it to lie.

    It is either a recorded number, or a :class:`~ddbook.kit.scores.Score` of a recorded table: the mean (median) of ``value`` over
    ``rows``, the mean of its paired differences from the rows ``minus``, the geometric mean of its paired ratios to the rows
    ``over``, or what even the best of several ``rivals`` loses to another one on some of the ``judges``.

    A comparison says by ``factor`` in what its arms may differ; the settings that the trials noted have to agree in all else.

    Attributes:
        label: what it is, for the reader.
        number: the name of a recorded number of the chapter.
        table: the name of a recorded table of the chapter.
        value: the column that is measured.
        rows: a pandas query that selects the rows; of several queries, the results are added.
        minus: the same for the rows to subtract.
        over: the same for the rows to divide by.
        seed: the columns that tell one independent repetition from another; these are counted.
        across: more columns by which rows are paired (problems, learners); each repetition is averaged over them, ratios by their
            geometric mean.
        repeats: what stands for several rows of one repetition and pair, which are refused without it.
        factor: of a comparison, the columns of settings in which its arms may differ (``method.type``, ``trial.budget``), or what
            holds several of them (``task.learner``). ``method.type`` is the method with its name and all that only one arm has.
        units: whether ``value`` holds a text with a digit 0 or 1 for each unit of one fixed test set; the interval is then over
            training draws crossed with test units (:func:`ddlib.statistics.crossed`).
        rivals: the column that tells rivals (methods) apart: for each of them the largest lead of another one on one of the
            judges is sought, and the least of these is what even the most versatile one loses.
        judges: the column that tells the judges (learners) of rivals apart.
        middle: how seeds are summarised; differences and ratios always by the mean.
        at_least: the claim holds from this threshold upwards.
        at_most: the claim holds up to this threshold; with both, it is that of an equivalence inside a margin.
        data: the data set of ``ddlib.datasets`` that it rests on, which a run may have to do without.
        published: the paper's own figure, a single run; without a threshold the claim is that it could be one more of our seeds: it
            lies in the 95 % prediction interval of one run.
        widest: the largest width of that interval at which a match counts. Of two laws whose figures lie so far apart at most 2.5 %
            of the studies call one a match for the other.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    label: Text
    number: Name | None = None
    table: Name | None = None
    value: str | None = None
    rows: str | list[str] | None = None
    minus: str | list[str] | None = None
    over: str | list[str] | None = None
    seed: Annotated[list[str], Field(min_length=1)] = ["seed"]
    across: list[str] = []
    repeats: Literal["mean", "median"] | None = None
    factor: list[Column] = []
    units: bool = False
    rivals: Name | None = None
    judges: Name | None = None
    middle: Literal["mean", "median"] = "mean"
    at_least: float | None = None
    at_most: float | None = None
    data: Name | None = None
    published: float | None = None
    widest: Annotated[float, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if (self.number is None) == (self.table is None):
            raise ValueError("give either a number or a table")
        if self.table is not None and not (self.value and self.rows):
            raise ValueError("a table needs a value (the column) and rows (a query)")
        if self.table is None and (self.value or self.rows or self.minus or self.over or self.repeats):
            raise ValueError("value, rows, minus, over and repeats go with a table")
        if self.minus and self.over:
            raise ValueError("give minus or over, not both")
        if self.matches and (self.table is None or self.minus or self.over):
            raise ValueError("a published figure without a threshold is compared with the seeds of a table, without minus or over")
        if self.at_least is None and self.at_most is None and self.published is None:
            raise ValueError("give a threshold: at_least, at_most, or the published figure that is to be matched")
        if self.at_least is not None and self.at_most is not None and self.at_least >= self.at_most:
            raise ValueError("at_least and at_most leave nothing between them")
        return self

    @model_validator(mode="after")
    def _fairly_compared(self) -> Self:
        if self.compares and not self.factor:
            raise ValueError("a comparison names its factor, the settings in which its arms may differ: factor: [method.type]")
        if self.factor and not self.compares:
            raise ValueError("a factor is that of a comparison: it goes with minus, over or rivals")
        if (self.rivals is None) != (self.judges is None):
            raise ValueError("rivals and judges are two columns: give both, as in `rivals: method, judges: learner`")
        if self.rivals and (self.table is None or self.minus or self.over or self.across or self.repeats or self.middle != "mean"):
            raise ValueError("rivals are compared with each other: leave out minus, over, across, repeats and middle")
        if self.units and (self.table is None or self.over or self.repeats or self.middle != "mean"):
            raise ValueError("units is for means and differences of a table: leave out over, repeats and middle")
        if self.matches != (self.widest is not None):
            raise ValueError("a published figure without a threshold, and only that, needs widest, the width of a match")
        return self

    @property
    def compares(self) -> bool:
        """Whether rows are compared with other rows."""
        return bool(self.minus or self.over or self.rivals)

    @property
    def matches(self) -> bool:
        """Whether the claim is that the published figure is matched."""
        return self.at_least is None and self.at_most is None

    @property
    def score(self) -> Score:
        """How the table is measured."""
        return Score(
            value=str(self.value),
            rows=self.rows or [],
            minus=self.minus,
            over=self.over,
            by=tuple(self.seed),
            across=tuple(self.across),
            statistic="geometric_mean" if self.over else "mean" if self.minus else self.middle,
            repeats=self.repeats,
        )


class Claim(BaseModel):
    """One claim, with what would settle it.

    Attributes:
        id: short, in words, never reused.
        statement: what is claimed, in a sentence.
        source: where: a figure, table, algorithm or sentence of the paper, or a theorem of this book.
        whose: the paper's claim, or ours.
        chapter: the notebook that tests it.
        figure: the recorded figure that shows it.
        statistics: what is measured; the claim is reproduced if all of them lie where they should.
        undecidable: why it cannot be judged from here whatever is measured, as where our rebuild differs from what was published
            and the result moves with it; statistics may stand beside it.
        threshold_from: where the thresholds come from.
        seeds: the fewest seeds for a verdict; 0 for what is computed exactly.
        requires: parameters that a run needs for a fair test: a number is the least, ``{at_most: …}`` the most, anything else the
            very value.
        refuted_by: what outcome would refute it.
        untestable: why it cannot be tested here, in place of statistics.
        changed: reasons for changes of a threshold after the reference run, oldest first.
        topic: under which heading it stands; an item ``- topic: …`` of the ledger holds for the claims below it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    statement: Text
    source: Text
    whose: Literal["paper", "ours"]
    chapter: Annotated[str, Field(pattern=r"^\d\d_[a-z0-9_]+$")] | None = None
    figure: Name | None = None
    statistics: list[Statistic] = []
    threshold_from: str = ""
    seeds: Annotated[int, Field(ge=0)] = 3
    requires: dict[str, Any] = {}
    refuted_by: str = ""
    untestable: str = ""
    undecidable: str = ""
    changed: list[str] = []
    topic: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if bool(self.statistics or self.undecidable) == bool(self.untestable):
            raise ValueError("give either statistics or the reason why it is untestable, or undecidable (which may have both)")
        if any(isinstance(wanted, dict) and {*wanted} != {"at_most"} for wanted in self.requires.values()):
            raise ValueError("a parameter in requires is a value, or {at_most: …}")
        if self.statistics and not (self.chapter and self.threshold_from and self.refuted_by):
            raise ValueError("a claim that is tested needs chapter, threshold_from and refuted_by")
        if 0 < self.seeds < 2:
            raise ValueError("an interval needs two seeds at least: give 0 for what is exact")
        return self


def read_ledger(path: Path) -> list[Claim]:
    """The claims of a ledger, in its order.

    Raises:
        InputError: if the file is missing, not YAML, or a claim is incomplete, contradictory or doubled.
    """
    if not path.is_file():
        raise InputError(f"there is no ledger {path}: give the command in the folder of the project")
    content = read_yaml(path)
    if not isinstance(content, list) or not content:
        raise InputError(f"{path} is not a list of claims: write each as `- id: …`")
    claims, topic = [], ""
    for position, item in enumerate(content, start=1):
        if isinstance(item, dict) and list(item) == ["topic"]:
            topic = str(item["topic"])
        else:
            claims.append(_claim(item, position, path).model_copy(update={"topic": topic}))
    names = [claim.id for claim in claims]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError(f"{path}: the id {doubled[0]!r} is given twice: give each claim its own")
    return claims


def _claim(item: Any, position: int, path: Path) -> Claim:
    name = item.get("id", f"number {position}") if isinstance(item, dict) else f"number {position}"
    try:
        if isinstance(item, dict) and isinstance(item.get("statistics"), list):
            item = item | {"statistics": [each for statistic in item["statistics"] for each in _expanded(statistic)]}
        return Claim.model_validate(item)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(f"{path}: claim {name}{f', {place}' if place else ''}: {message}") from None
    except InputError as error:
        raise InputError(f"{path}: claim {name}: {error}") from None
    except (KeyError, IndexError, ValueError) as error:  # of a text with braces
        raise InputError(f"{path}: claim {name}: a text asks in braces for {error}, which is not under `each`") from None


def _expanded(statistic: Any) -> list[Any]:
    """One statistic for each mapping under ``each``: its fields are taken over, other words replace ``{word}`` in the texts."""
    if not isinstance(statistic, dict) or "each" not in statistic:
        return [statistic]
    if not isinstance(statistic["each"], list) or not all(isinstance(words, dict) for words in statistic["each"]):
        raise InputError("`each` is a list of mappings, as in `each: [{ipc: 10}, {ipc: 20}]`")
    common = {key: value for key, value in statistic.items() if key != "each"}
    return [
        {key: _filled(value, words) for key, value in common.items()}
        | {key: value for key, value in words.items() if key in Statistic.model_fields}
        for words in statistic["each"]
    ]


def _filled(value: Any, words: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_filled(item, words) for item in value]
    return value.format_map(words) if isinstance(value, str) else value
