"""Three plain sentences of a verdict: what it says, what it rests on, and what would change it.

They are for a reader who takes one line from the table and no more. What a word means in general is `causal.report.words`' part; here it is said of
the claim's own cause and effect, with what this table knows of it.

>>> print(says(Grounds("untestable", "revenue", "corruption", 1, unmeasured=("revenue",))))
The data do not speak to this: nobody measures revenue, and the answer is the article's opinion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

from causal.errors import listed
from causal.html import chance
from causal.power import ENOUGH, Power

_listed = partial(listed, empty="nobody")


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a verdict's sentences are made of.

    `sign` is that of the claim, 0 without a direction. `studies` answered, or measure both ends where none can answer; `sources` are those
    whose reported effects answered. `unmeasured`: of an untestable claim the ends that no study measures, of a not-identified one
    what stays open; `common`: the ends that have one value for all units. `lacking`: the prior sets under which the probability falls
    short of what the word asks, or of what *supported* asks where the data do not settle it. `power` is that of the answer, by a study
    of `units` and `periods`, 0 where they are not known. `smallest` is the smallest effect of interest. `elsewhere` of
    `readings` see another link in the claim, or none, and `turned` of them the same link with another sign. `absent`: the claim is that there
    is no effect. `warned` are the checks that warn of the answer. `called` is the noun of the source. `otherwise`: the strategy by which the
    data identify the effect, where the fitted equations do not estimate it so. `shared`: the graph has an unmeasured cause of both ends that is new in
    each period.
    """

    word: str
    cause: str
    effect: str
    sign: int
    untestable: str = ""
    studies: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    pooled: bool = False
    differing: bool = False
    unmeasured: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    power: Power | None = None
    units: int = 0
    periods: int = 0
    smallest: float = 0.0
    elsewhere: int = 0
    turned: int = 0
    readings: int = 1
    absent: bool = False
    warned: tuple[str, ...] = ()
    called: str = "article"
    otherwise: str = ""
    shared: bool = False


def says(found: Grounds) -> str:
    """What the verdict says, in a sentence."""
    cause, effect = found.cause, found.effect
    opinion = f"the {found.called}'s opinion"
    move, turned = {1: ("raises", "lowers"), -1: ("lowers", "raises"), 0: ("moves", "moves")}[found.sign]
    if found.word == "untestable":
        if found.untestable:
            return f"The data do not speak to this: no link between two measurable things can hold it, and the answer is {opinion}."
        lacking = (
            f"nobody measures {_listed(found.unmeasured, 'or')}"
            if found.unmeasured
            else f"nobody measures {cause} and {effect} together"
        )
        return f"The data do not speak to this: {lacking}, and the answer is {opinion}."
    if found.word == "not-identified":
        if found.common:
            return f"The data cannot answer this: there is one value of {_listed(found.common)} for all units, and the answer is {opinion}."
        if found.otherwise:
            return (
                f"The data could answer this by another way ({found.otherwise}) than the fitted equations do, which leave a path from {cause} to "
                f"{effect} open: as it stands, the answer is {opinion}."
            )
        return f"The data measure {cause} and {effect} and cannot answer this: something unmeasured may move both, and the answer is {opinion}."
    despite = f" A check failed, though ({_listed(found.failed)}): take this with care." if found.failed else ""
    if found.absent and found.word == "supported":
        return f"The data say that {cause} moves {effect} too little to matter at once under each of the three priors, as the {found.called} says."
    if found.absent and found.word == "contradicted":
        return f"The data say that {cause} moves {effect} by enough to matter, where the {found.called} says that it does not.{despite}"
    if found.absent and found.word == "prior-driven":
        return f"That {cause} does not move {effect} is {opinion}: who shares it finds it confirmed, the data alone do not show it."
    if found.word == "supported":
        return f"The data say that {cause} {move} {effect} by enough to matter, whichever of the three priors one starts from."
    if found.word == "contradicted":
        return f"The data say that {cause} {turned} {effect} by enough to matter, where the {found.called} says that it {move} it.{despite}"
    if found.word == "negligible":
        return f"The data say that {cause} moves {effect} too little to matter at once.{despite}"
    if found.word == "prior-driven":
        return f"That {cause} {move} {effect} is {opinion}: who shares it finds it confirmed, the data alone do not show it."
    if found.differing:
        return f"The studies that can answer this give different answers, and do not settle whether {cause} {move} {effect}."
    chance = ""
    if found.power is not None:
        little = "little" if found.power.power < 0.5 else "a fair" if found.power.power < ENOUGH else "a good"
        chance = f", and had {little} chance to find an effect of the {found.called}'s own size"
    return f"The data speak to this and do not settle whether {cause} {move} {effect}{chance}."


def rests_on(found: Grounds) -> str:
    """What the verdict rests on, in a sentence or two."""
    if found.word == "untestable" or found.common:
        told = f"The {found.called}'s opinion alone."
    elif found.word == "not-identified":
        told = f"The {found.called}'s opinion; what the data of {_listed(found.studies)} show is an association."
    else:
        parts: list[str] = []
        if found.studies:
            alike = ", whose effects are taken to be alike," if found.pooled else ""
            parts.append(
                f"the data of {_listed(found.studies)}{alike} if the {found.called}'s graph leaves nothing out"
            )
        if found.sources:
            parts.append(f"the word of {_listed(found.sources)} that the reported effect is one")
        if found.word == "prior-driven":
            parts.append(f"the {found.called}'s opinion")
        told = f"{_capital(_listed(parts))}."
        if found.shared:
            told += f" What else moves {found.cause} and {found.effect} alike is taken to be new in each period: a cause that lasts would look like the effect."
    if found.warned:
        told += f" {'A check warns' if len(found.warned) == 1 else 'Checks warn'} of it: {_listed(found.warned)}."
    for count, what in (
        (found.elsewhere, "another link in the claim, or none"),
        (found.turned, "another direction in it"),
    ):
        if count:
            told += f" {count} of {found.readings} readers {'sees' if count == 1 else 'see'} {what}."
    return told


def would_change(found: Grounds) -> str:
    """What would change the verdict, in a sentence or two."""
    if found.word == "untestable":
        if found.untestable:
            return "Nothing that could be measured; a claim that says what is to be seen, and where."
        lacking = (
            f"measures {_listed(found.unmeasured)} beside the other end"
            if len(found.unmeasured) == 1
            else "measures both ends together"
        )
        return f"A study that {lacking}."
    if found.word == "not-identified":
        if found.common:
            return f"A study whose units differ in {_listed(found.common)}; more rows of this kind would not help."
        if found.otherwise:
            return f"An estimate by the way that identifies it ({found.otherwise}), which is not made here; more rows of this kind would not help."
        open_by = f", such as {_listed(found.unmeasured)}," if found.unmeasured else ""
        return f"Measuring what stays open{open_by} or a reason why it does not matter; more rows of this kind would not help."
    if found.word in ("supported", "contradicted", "negligible"):
        prior = "Not another prior of the three, but"
        if found.lacking:
            prior = f"The {_listed(found.lacking)} prior, under which it is not settled,"
        check = "what failed, once it is mended" if found.failed else "a check that fails"
        return f"{prior} {check}, or a common cause that the {found.called}'s graph leaves out."
    told: list[str] = []
    if found.failed and not found.lacking:
        told.append(f"It would be supported but for what failed: {_listed(found.failed)}.")
    elif found.failed:
        told.append(f"First what failed must be mended: {_listed(found.failed)}.")
    if 0 < len(found.lacking) < 3:
        told.append(
            f"Another prior: only the {_listed(found.lacking, 'and')} prior {'keeps' if len(found.lacking) == 1 else 'keep'} it from being supported."
        )
    elif found.lacking:
        told.append("Another prior of the three would not.")
    if found.differing:
        told.append("Knowing why the studies differ.")
    elif found.pooled:
        told.append("More studies: how far effects lie apart is not known from these few.")
    elif found.power is not None and found.lacking:
        told.append(_more_data(found, found.power))
    return " ".join(told) or "More data."


def _more_data(found: Grounds, power: Power) -> str:
    own = f"an effect of the {found.called}'s own size ({power.size:.2g})"
    if power.times == 1.0:
        return f"The study had a chance of {chance(power.power)} to find {own}; more rows may settle it either way."
    if power.size <= found.smallest:
        return f"No amount of such data: {own} is smaller than what matters ({found.smallest:.2g})."
    if math.isinf(power.times):
        return f"No amount of such data within reason would find {own}."
    rows = f"About {power.times:.2g} times the data"
    if found.units and found.periods:
        units, periods = math.ceil(found.units * power.times), math.ceil(found.periods * power.times)
        rows += f" ({units:,} units for {found.units:,}, or {periods:,} periods for {found.periods:,})"
    return f"{rows} would find {own} four times in five; these find it with probability {chance(power.power)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
