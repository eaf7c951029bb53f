"""Pictures for a page that asks nobody for anything: charts as data with a still picture each, and one copy of the chart library.

A chart comes as an SVG that is in the page from the start, for readers without JavaScript and for print, and as its specification; a script of the
page draws the specification over it where it can. The library that draws (Vega, from the `vl_convert` package) is put in once.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import escape

from causal.errors import CausalError
from causal.netcdf import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EXPORTS = "window.vegaEmbed = vegaEmbed;"
_SAFE = {"</script": r"<\/script", "<!--": r"<\!--"}
"""What would end a script element, and what stands for it there."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart on the page: `still` (SVG), `specification` (JSON, safe inside a script element), `told` in words."""

    key: str
    still: str
    specification: str
    told: str


def picture(key: str, chart: Any, told: str) -> Picture:
    """The `Picture` of an Altair chart; `key` is its id on the page, `told` what a reader who does not see it is told."""
    import vl_convert

    specification = chart.to_dict()
    still = vl_convert.vegalite_to_svg(specification, vl_version=_version())
    specification.pop("$schema", None)
    return Picture(key, inline(still, key), embedded(specification), told)


def still_figure(figure: Figure, key: str, told: str) -> str:
    """A Matplotlib figure as an element of a page; `key` makes its ids its own, `told` is what a reader who does not see it is told."""
    import matplotlib as mpl

    written = io.StringIO()
    # Letters stay letters. Neither the day nor chance may show: equal answers make equal pages.
    with mpl.rc_context({"svg.hashsalt": "still", "svg.fonttype": "none"}):
        figure.savefig(written, format="svg", metadata={"Date": None})
    svg = written.getvalue()
    svg = svg[svg.index("<svg") :]
    # What stands in a style element would hold for the whole page.
    svg = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    svg = svg.replace("<svg", '<svg style="stroke-linejoin:round;stroke-linecap:butt"', 1)
    return f'<div class="drawn" role="img" aria-label="{escape(told)}">{inline(svg, key)}</div>'


def inline(svg: str, key: str) -> str:
    """An SVG as an element of a page: its ids made the picture's own, and its size left to the page."""
    svg = re.sub(r"<title>.*?</title>|<!--.*?-->", "", svg, flags=re.DOTALL)
    # The drawing library counts its ids up from picture to picture; numbered anew, equal pictures are equal.
    # A name that several parts share names none of them.
    named = Counter(re.findall(r'\bid="([^"]+)"', svg))
    own = {name: f"{key}-{place}" for place, name in enumerate((name for name in named if named[name] == 1), 1)}
    svg = re.sub(r'\bid="([^"]+)"', lambda found: f'id="{own[found[1]]}"' if found[1] in own else "", svg)
    svg = re.sub(r"url\(#([^)]+)\)", lambda found: f"url(#{own.get(found[1], found[1])})", svg)
    svg = re.sub(r'\b(?:xlink:)?href="#([^"]+)"', lambda found: f'href="#{own.get(found[1], found[1])}"', svg)
    # A tip that leads nowhere is no link; what leads somewhere is named by its tip.
    svg = re.sub(r'<a xlink:title="[^"]*">(.*?)</a>', r"\1", svg, flags=re.DOTALL)
    svg = svg.replace("xlink:title=", "aria-label=")
    return re.sub(r'\bxmlns:xlink="[^"]*"', "", svg)


def embedded(value: Any) -> str:
    """JSON that no page can take for markup: every `<` is an escape, and so are the two line ends that JavaScript knows and JSON does not."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for mark in ("<", ">", "&", "\u2028", "\u2029"):
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text


@cache
def chart_library(store: Path | None = None) -> str:
    """The JavaScript that draws the charts, safe inside a script element.

    It is put together in a second, and looked up and kept in the folder `store`; one that cannot be read or written costs that second only.
    """
    import vl_convert

    made_of = "\n".join((_EXPORTS, _version(), version("vl-convert-python"), *_SAFE, *_SAFE.values()))
    path = None if store is None else Path(store) / f"{hashlib.sha256(made_of.encode()).hexdigest()[:32]}.js"
    if path is not None:
        with suppress(OSError):
            digest, _, kept = path.read_bytes().partition(b"\n")
            if digest == hashlib.sha256(kept).hexdigest().encode():
                return kept.decode()
    bundle = vl_convert.javascript_bundle(_EXPORTS, vl_version=_version())
    for mark, safe in _SAFE.items():
        bundle = bundle.replace(mark, safe)
    if path is not None:
        raw = bundle.encode()
        with suppress(CausalError):
            write_whole(path, lambda part: part.write_bytes(hashlib.sha256(raw).hexdigest().encode() + b"\n" + raw))
    return bundle


def _version() -> str:
    import altair

    return ".".join(altair.SCHEMA_VERSION.split(".")[:2])
