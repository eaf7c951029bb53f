"""What a bundle's article foretold, and what came: forecasts by study, what its claims imply, and its named predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from causal.errors import raise_all
from causal.forecast import Announce, StudyForecast, difference_word, forecast_study, prior_faults
from causal.implied import Implied, implied
from causal.model import Priors
from causal.prediction import Outcome, outcome

if TYPE_CHECKING:
    from priors.read import Bundle


@dataclass(frozen=True, eq=False)
class Foretold:
    """Forecasts from the article's `year` on, by study; what the claims imply, by edge and study that measures both ends; what came of the predictions.

    `unmeasured`: the claims of whose link no study measures both ends, or that state none. `year` is None where the bundle does not
    say when the article appeared: then there are no forecasts.
    """

    year: int | None
    studies: tuple[StudyForecast, ...]
    implied: tuple[Implied, ...]
    unmeasured: tuple[str, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def links(self) -> tuple[str, ...]:
        """For each node that a link leads into, how the article's model did beside the same without links (`difference_word`)."""
        return tuple(
            difference_word(node.differences["memory"])
            for study in self.studies
            for node in study.nodes
            if node.linked and "memory" in node.differences
        )


def foretell(
    bundle: Bundle,
    priors: Mapping[str, Priors],
    *,
    store: Path | None = None,
    seed: int = 1,
    draws: int = 1000,
    chains: int = 4,
    announce: Announce | None = None,
    kept_only: bool = False,
) -> Foretold:
    """All of it for a bundle under its prior sets; fits are looked up and kept in `store`, and with `kept_only` none is sampled.

    Raises `CausalError` where `priors` lack *article* or *wide*.
    """
    raise_all(prior_faults(priors))
    year, outcomes = bundle.source.year, tuple(outcome(each) for each in bundle.predictions)
    settings: dict[str, Any] = {"store": store, "seed": seed, "draws": draws, "chains": chains}
    studies: tuple[StudyForecast, ...] = ()
    if year is not None:
        studies = tuple(
            forecast_study(bundle.graph, study, priors, year, announce=announce, kept_only=kept_only, **settings)
            for study in bundle.studies
        )
    of_article = priors["article"].of(bundle.graph)
    found: list[Implied] = []
    told: set[str] = set()
    for study in bundle.studies:
        measured = {*study.measured(bundle.graph)}
        for name, claims in bundle.ledger.by_edge.items():
            edge = bundle.graph.edge(name)
            if {edge.cause, edge.effect} <= measured:
                keys = [claim.key for claim in claims]
                told |= {*keys}
                forecast = next((each for each in studies if each.study == study.name), None)
                if forecast is not None:
                    found.append(implied(forecast, edge, keys, of_article[name], seed=seed))
    unmeasured = tuple(claim.key for claim in bundle.ledger.claims if claim.key not in told)
    return Foretold(year, studies, tuple(found), unmeasured, outcomes)
