"""The shape of a bundle's tables: which keys each may hold, of what type, and their defaults.

Only shape is checked here; whether a word is known or an edge joins declared nodes is `priors.read`'s part.
This module loads pydantic, so `priors.read` imports it only where a bundle is read.

>>> Intervention.model_validate({"do": "shift corruption -1 from 2016", "outcome": "presence"}).horizon
0
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from causal.claim import Direction

# Annotations are read by pydantic when a class is made: these names must be there at run time.
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
OptionalText = Annotated[str, StringConstraints(strip_whitespace=True)]
Effect = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Cost = Annotated[float, Field(gt=0)]
Number = Annotated[float, Field(allow_inf_nan=False)]


FORMAT = 1
"""The version of the files' format. A bundle of another one is refused."""


class Table(BaseModel):
    """A TOML table: unknown keys are errors, and no value is converted to another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Article(Table):
    """[article]: what makes the claims, what the page calls it and the place it speaks of; `smallest_effect` is every claim's that has none of its own.

    `format` is that of the three files.
    """

    title: Text
    authors: OptionalText = ""
    year: int | None = None
    published: OptionalText = ""
    called: Text = "article"
    place: OptionalText = ""
    smallest_effect: Effect = 0.1
    format: int = FORMAT


class NodeTable(Table):
    """[node.NAME]: how a node is called, what it stands for, and what measuring it costs (inf where nobody can)."""

    label: OptionalText = ""
    describes: OptionalText = ""
    level: OptionalText = ""
    cost: Cost = 1.0


class GraphTable(Table):
    """[graph]: what no claim states, in the text form of `causal.syntax`, and what measuring a latent's cause costs."""

    assumed: str = ""
    costs: dict[str, Cost] = Field(default_factory=dict)


class ClaimTable(Table):
    """[claim.KEY]: an edge, or a cause and an effect with the reason why nothing can test it."""

    says: Text
    where: Text
    edge: Text | None = None
    cause: OptionalText = ""
    effect: OptionalText = ""
    untestable: OptionalText = ""
    hedge: Text = "plain assertion"
    strength: Text = "some"
    scope: OptionalText = ""
    core: bool = False
    smallest_effect: Effect | None = None
    readings: list[dict[str, Any]] = Field(default_factory=list[dict[str, Any]])


class ReadingTable(Table):
    """[[claim.KEY.readings]]: how another reader takes the claim. What is left out is read as the claim's own words have it.

    `sign` is for a reader who sees the same edge with another sign; `untestable` for one who sees no edge that could hold the claim.
    """

    reader: Text
    edge: Text | None = None
    sign: Literal["+", "-", "?"] | None = None
    hedge: Text | None = None
    strength: Text | None = None
    untestable: OptionalText = ""


class FigureTable(Table):
    """[figure.KEY]: a number that the text states, as a range."""

    quantity: Text
    low: Number
    high: Number
    unit: Text
    where: Text
    year: int | None = None
    node: OptionalText = ""


class EvidenceTable(Table):
    """[evidence.KEY]: what a published work found on some claims, for the reader only: the fields of `causal.claim.Published`."""

    work: Text
    found: Text
    claims: Annotated[list[Text], Field(min_length=1)]
    direction: Direction
    place: Text
    published: OptionalText = ""
    same_place: bool = False
    origin: list[Text] = Field(default_factory=list)
    read: Literal["abstract", "whole"] = "abstract"


class SideTable(Table):
    """Rows of a column: of a shipped dataset, or of a CSV file of the bundle with its columns of units and years."""

    dataset: Text | None = None
    file: Text | None = None
    unit: Text = "unit"
    time: Text = "year"
    column: Text | None = None
    label: OptionalText = ""
    rows: Annotated[list[Text], Field(min_length=1)] | None = None


class PredictionTable(SideTable):
    """[prediction.KEY]: what the article foretells, and the rule by which it came so or not; or why nothing at hand can tell.

    `since` and `until` are a year or a first and a last one. `than` holds what else the rows are to outgrow, what it leaves out being as in the prediction;
    `of` names the rows of the whole, all of the table without it. `method_changes` has to be written, if only as [].
    """

    says: Text
    where: Text
    claims: list[Text] = Field(default_factory=list)
    unavailable: OptionalText = ""
    rule: Literal["grows", "falls", "grows more than", "share rises"] | None = None
    since: int | Annotated[list[int], Field(min_length=2, max_length=2)] | None = None
    until: int | Annotated[list[int], Field(min_length=2, max_length=2)] | None = None
    margin: Effect = 0.1
    method_changes: list[int] | None = None
    zeros: Literal["unknown", "counted"] = "unknown"
    than: dict[str, Any] | None = None
    of: Annotated[list[Text], Field(min_length=1)] | None = None


class JointTable(Table):
    """[study.NAME.joint]: which rows of the study a joint model of several studies keeps; all of them by default.

    `enters` is False for a study whose every row another study holds. `leave_out` is as in the study.
    """

    enters: bool = True
    first: Any = None
    last: Any = None
    leave_out: list[Text] = Field(default_factory=list)


class StudyTable(Table):
    """[study.NAME]: the data, which columns are unit and time, and the times to keep.

    `encoding`, `delimiter` and `decimal` say how a CSV file is written where that is not to be found out (`causal.dialect`).

    `sets_aside` names nodes whose influence the study assumes away; `keeps` says it the other way round: of the nodes that the study
    does not measure, only these are kept. `leave_out` names rows that are not used: a unit, or a unit and times ("PER from 2012 to 2016").
    """

    file: Text | None = None
    dataset: Text | None = None
    unit: Text = "unit"
    time: Text = "year"
    encoding: Text | None = None
    delimiter: Annotated[str, Field(min_length=1)] | None = None
    decimal: Text | None = None
    label: OptionalText = ""
    population: OptionalText = ""
    first: Any = None
    last: Any = None
    sets_aside: list[Text] = Field(default_factory=list)
    keeps: list[Text] | None = None
    leave_out: list[Text] = Field(default_factory=list)
    joint: dict[str, Any] = Field(default_factory=dict)
    weights: dict[str, Any] = Field(default_factory=dict)
    measures: dict[str, Any] | None = None


class ReportedTable(Table):
    """[estimate.NAME]: an effect that a source reports, which stands as a study of its own: the fields of `causal.reported.Reported`."""

    edge: Text
    effect: Number
    error: Number
    source: Text
    cause_sd: Number | None = None
    effect_sd: Number | None = None
    units: OptionalText = ""
    population: OptionalText = ""


class WeightsTable(Table):
    """Weights in [study.NAME.weights] that are more than a file's name: as in `causal.weights.Weights.from_frame`.

    `file` is a CSV file of the bundle; "dataset" stands for the borders that come with the study's own dataset. `encoding`, `delimiter` and `decimal`
    say how the file is written where that is not to be found out.
    """

    file: Text
    row_normalised: bool = True
    encoding: Text | None = None
    delimiter: Annotated[str, Field(min_length=1)] | None = None
    decimal: Text | None = None


class MeasureTable(Table):
    """A measure in [study.NAME.measures] that is more than a column's name: the fields of `causal.measurement.Measure`.

    `columns` make an index, `indicators` have loadings.
    """

    column: Text | None = None
    columns: Annotated[list[Text], Field(min_length=1)] | None = None
    indicators: Annotated[list[Text], Field(min_length=2)] | None = None
    direction: Text = "+"
    transform: Literal["none", "log", "log1p"] = "none"
    error: Text | Annotated[float, Field(allow_inf_nan=False)] | None = None
    yearly: Annotated[float, Field(allow_inf_nan=False)] | None = None
    reliability: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None


class Intervention(Table):
    """[intervention.KEY]: what is done, in the text form of `causal.intervene`, and where its effect is looked for."""

    do: Text
    outcome: Text
    label: OptionalText = ""
    horizon: Annotated[int, Field(ge=0, le=1000)] = 0
    better: Literal["", "higher", "lower"] = ""
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
