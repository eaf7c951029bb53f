"""Draw the picture at the top of the README from a report's results: `python tools/draw_readme.py RESULTS.nc`.

It shows, for the built-in article's core claims, what each opinion holds before the data and after them.
"""

from __future__ import annotations

import sys
from pathlib import Path

import vl_convert

from causal.analysis import analyse
from causal.plot import prior_and_posterior
from causal.report.tables import drawn
from priors.read import read_bundle

PLACE = Path(__file__).parent.parent / "docs" / "opinions_and_data.svg"


def main(results: Path) -> None:
    """Write the picture beside the documents."""
    made = drawn(results)
    analysis = analyse(read_bundle("peru_nexus"), drawn=made, seed=made.settings["seed"], interventions=False)
    shown = [
        claim.key for claim in analysis.bundle.ledger.claims if claim.core and analysis.verdict(claim.key).findings
    ]
    chart = prior_and_posterior(analysis, shown)
    PLACE.write_text(vl_convert.vegalite_to_svg(chart.to_dict()), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
