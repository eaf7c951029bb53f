"""Records as small tables in a notebook: what each `_repr_html_` is made of.

A table has a caption, a few columns, no more than `SHOWN` rows and sentences beneath. It takes its colours from the page that it
stands in, so that it reads in light and in dark; it holds no script and fetches nothing. Whatever a record holds is text: it is escaped. What an
xarray object holds (a `causal.contrast`, the draws of an edge) is shown by xarray.

>>> "&lt;b&gt;" in table("A ledger", ("claim",), [["<b>"]])
True
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

SHOWN = 25
"""Rows of a table; how many more there are stands beneath it."""

UNKNOWN = "cannot be told"

_LEFT = ' style="text-align:left;vertical-align:top"'


def table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    notes: Iterable[str] = (),
    whole: str = "",
) -> str:
    """An HTML table of text cells, with `notes` beneath; `whole` says where the rows are that do not stand in it."""
    from markupsafe import escape

    head = "".join(f"<th{_LEFT}>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td{_LEFT}>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows[:SHOWN]
    )
    more = len(rows) - SHOWN
    told = [f"{more} more{f': {whole}' if whole else ''}."] if more > 0 else []
    beneath = "".join(f"<div>{escape(note)}</div>" for note in (*told, *notes))
    inside = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>" if rows else ""
    return f"<div><strong>{escape(caption)}</strong><table>{inside}</table>{beneath}</div>"


def number(value: float) -> str:
    """A number to three digits.

    >>> number(0.12345), number(float("nan"))
    ('0.123', 'cannot be told')
    """
    return f"{value:.3g}" if math.isfinite(value) else UNKNOWN


def between(low: float, high: float) -> str:
    """An interval by its ends.

    >>> between(-0.5, 0.25)
    '-0.5 to 0.25'
    """
    return f"{number(low)} to {number(high)}" if math.isfinite(low) and math.isfinite(high) else UNKNOWN


def chance(value: float) -> str:
    """A probability that no rounding makes certain.

    >>> chance(0.5), chance(1.0)
    ('0.50', 'over 0.99')
    """
    if math.isnan(value):
        return UNKNOWN
    return "under 0.01" if value < 0.005 else "over 0.99" if value > 0.995 else f"{value:.2f}"
