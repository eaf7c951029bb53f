"""Text tables as people have them: encodings, separators, decimal commas and thousands.

What a file is like is found out, said in a note, and can be said by its user instead (`Dialect`). Nothing is guessed that would change a
number: where "1,234" may be 1234 or 1.234 and the rest of the file does not tell which, that is a fault. The one convention is that a file with commas
between its columns and no comma within a number writes decimal points.

>>> found_style([["1.234,5", "7"], ["0,25", "-3"]], ";").decimal
','
>>> Style(",").plain("1.234,5")
'1234.5'
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from causal.errors import CausalError, Fault, shortened

MISSING = ("", "NA", "NaN", "nan")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.IGNORECASE)
"""A number with a decimal point and nothing between its thousands."""
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
LARGEST = 200_000_000
"""So many bytes a text table may have that is read into memory here."""
_MOST_COLUMNS = 10_000
"""So many columns it may have."""
_LOOKED_AT = 100
"""So many records tell which separator a file has, and where its table begins."""
_HEAD = 1_000_000
"""So many bytes of a file are looked at where it is not read here."""
_NAMED = 5
"""So many rows of a wrong length are named."""
_SPACES = " \u00a0\u2009\u202f"
_NO_LETTERS = ("unicode_escape", "raw_unicode_escape", "idna", "punycode", "undefined")
_WESTERN = "cp1252"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a file's user says of it: `encoding` as Python names it, `delimiter` between cells, `decimal` mark. What is None is found out.

    Raises `CausalError` with all that no file can be.
    """

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        faults: list[Fault] = []
        if self.encoding is not None:
            try:
                known = codecs.lookup(self.encoding).name.replace("-", "_") not in _NO_LETTERS
                "a".encode(self.encoding)  # refuses codecs that are none of letters
            except (LookupError, ValueError):
                known = False
            if not known:
                faults.append(Fault(f"no encoding {self.encoding!r}", mend="write utf-8 or latin-1, for example"))
        if self.delimiter is not None and self.delimiter not in _SEPARATORS:
            faults.append(Fault(f"delimiter is {self.delimiter!r}", mend=r"take one of , ; | and \t"))
        if self.decimal is not None and self.decimal not in (".", ","):
            faults.append(Fault(f"decimal is {self.decimal!r}", mend="take . or ,"))
        if faults:
            raise CausalError(*faults)


@dataclass(frozen=True)
class Style:
    """How a file writes numbers: the `decimal` mark; a space, an apostrophe or the other mark may stand between thousands, one of them in a number."""

    decimal: str

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a number of this style looks like."""
        between = f"[{self.other}'’{_SPACES}]"
        mark = re.escape(self.decimal)
        return re.compile(
            rf"[+-]?(?:(?:\d+|[1-9]\d{{0,2}}(?P<between>{between})\d{{3}}(?:(?P=between)\d{{3}})*)(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d+)?"
            r"|[+-]?(?:inf|infinity)",
            re.IGNORECASE,
        )

    @property
    def other(self) -> str:
        """The mark that is not the decimal one."""
        return "." if self.decimal == "," else ","

    def plain(self, cell: str) -> str:
        """A number of this style with a decimal point and nothing between its thousands."""
        return re.sub(f"[{self.other}'’{_SPACES}]", "", cell).replace(self.decimal, ".")


_POINT, _COMMA = Style("."), Style(",")


@dataclass(frozen=True)
class Records:
    """A text table: `names` of its columns; for each row of the right length its line and its cells; the lines without a value; what was found out."""

    names: list[str]
    lines: list[int]
    rows: list[list[str]]
    empty: list[int]
    notes: list[str]


def read_records(
    path: Path,
    dialect: Dialect,
    faults: list[Fault],
    *,
    keys: Sequence[str] | None = (),
    missing: Sequence[str] = MISSING,
    loose: bool = False,
) -> Records:
    """The rows of a text file; columns of numbers come with decimal points. `keys` are columns whose cells stay as they are, None for all.

    `missing`: cells that hold no value. `loose`: lines above the names and below the rows, as spreadsheets of statistical offices have them, are skipped
    and told. Faults of single rows are added to `faults`. Raises `CausalError` with them where the file cannot be read at all.
    """
    text, told = _decoded(path, dialect)
    delimiter, skipped = dialect.delimiter, 0
    first, _, rest = text.partition("\n")
    if said := re.fullmatch(r'"?sep=(.)"?\s*', first, re.IGNORECASE):
        text, skipped = rest, 1
        if delimiter is None and said[1] not in _SEPARATORS:
            mend = f"take one of {' '.join(mark for mark in _SEPARATORS if mark.strip())}, or tabs"
            raise CausalError(
                *faults, Fault(f"columns are separated by {said[1]!r}, which is not read", f"{path.name}:1", mend)
            )
        delimiter = delimiter or said[1]
    if not text.strip():
        raise CausalError(Fault("is empty", path.name, "give a line of names and one row for each unit and time"))
    if delimiter is None:
        delimiter = _separator(text)
    if delimiter != ",":
        told.append(f"{_SEPARATORS[delimiter]}s between the columns")
    found = _split(text, skipped, delimiter, path, faults, loose=loose)
    told += _with_points(found, keys, missing, delimiter, dialect.decimal, path, faults)
    notes = [f"read with {shortened(told, 12)}", *found.notes] if told else found.notes
    if found.empty:
        notes = [*notes, f"rows without a value are skipped: lines {shortened(found.empty, 12)}"]
    return Records(found.names, found.lines, found.rows, found.empty, notes)


def read_whole(path: Path, name: str, largest: int, mend: str) -> bytes:
    """The bytes of a file, which messages call `name`. Raises `CausalError` where it is none that can be read, or larger than `largest`; `mend` is for that."""
    try:
        if not path.is_file():  # a folder, or a device or pipe that never ends
            raise CausalError(Fault("is no file", name, "put a file in its place"))
        with path.open("rb") as file:
            raw = file.read(largest + 1)
    except (OSError, ValueError) as error:
        told = (isinstance(error, OSError) and error.strerror) or error
        raise CausalError(Fault(f"cannot be read: {told}", name, "check the path, and who may read it")) from error
    if len(raw) > largest:
        raise CausalError(Fault(f"has more than {largest / 1e6:.0f} MB", name, mend))
    return raw


def refuse_other_numbers(path: Path) -> None:
    """Raise `CausalError` where the head of a file that others read has decimal commas, or numbers that may be read in two ways."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return  # who reads it will say so
    text = head.decode("utf-8-sig", errors="replace")
    text = text[: text.rfind("\n") + 1] if len(head) == _HEAD else text
    delimiter = _separator(text)
    faults: list[Fault] = []
    try:
        found = _split(text, 0, delimiter, path, faults, loose=False)
    except CausalError:
        return
    style = found_style(_cells(found, (), MISSING).values(), delimiter)
    if isinstance(style, str) or style.decimal == ",":
        what = (
            "has decimal commas"
            if not isinstance(style, str)
            else f"has numbers such as '{style}', which may be read in two ways"
        )
        raise CausalError(
            Fault(what, path.name, "read it with read_csv, or write decimal points and nothing between thousands")
        )


def found_style(columns: Iterable[Sequence[str]], delimiter: str) -> Style | str:
    """How the cells of columns write numbers; or the first cell that may be read in two ways where the others do not tell which.

    `columns` hold cells without the missing ones. Cells that only one style can have are the evidence.
    """
    by_point = by_comma = False
    doubtful: list[str] = []
    for column in columns:
        for cell in column:
            if cell.isdigit():
                continue
            point, comma = _POINT.pattern.fullmatch(cell), _COMMA.pattern.fullmatch(cell)
            if point and comma:
                if _POINT.plain(cell) != _COMMA.plain(cell):
                    doubtful.append(cell)
            else:
                by_point, by_comma = by_point or point is not None, by_comma or comma is not None
    style = _COMMA if by_comma and not by_point else _POINT
    if not doubtful or (by_point != by_comma and (style is _POINT or delimiter != ",")):
        return style
    if delimiter == "," and not by_comma and not any("," in cell for cell in doubtful):
        return _POINT
    return next((cell for cell in doubtful if "," in cell), doubtful[0])


def _decoded(path: Path, dialect: Dialect) -> tuple[str, list[str]]:
    """The text of a file, and what to say of its letters."""
    raw = read_whole(
        path, path.name, LARGEST, "keep the rows and columns that you need, or read it with Panel.from_table"
    )
    told: list[str] = []
    wide = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = dialect.encoding or ("utf-16" if wide else "utf-8")
    if wide and dialect.encoding is None:
        told.append("letters in UTF-16")
    try:
        text = raw.decode(encoding)
    except UnicodeError as error:
        line = raw.count(b"\n", 0, getattr(error, "start", 0)) + 1
        what = "is not UTF-8" if dialect.encoding is None and not wide else f"is not {encoding}"
        fault = Fault(what, f"{path.name}:{line}", "save the file as UTF-8, or say its encoding")
        if dialect.encoding or wide:
            raise CausalError(fault) from error
        try:
            text = raw.decode(_WESTERN)
        except UnicodeError:
            raise CausalError(fault) from error
        told.append("letters in Windows-1252 (Latin-1), as it is not UTF-8")
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise CausalError(Fault("is no text", f"{path.name}:{line}", "save it as CSV in UTF-8, or say its encoding"))
    return text, told


def _records_of(text: str, delimiter: str, *, strict: bool) -> Any:
    # Only line ends part lines: str.splitlines knows others, which stand within cells.
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=strict)


def _lengths(text: str, delimiter: str) -> list[int]:
    """How many cells the first records have that are not empty."""
    counts: list[int] = []
    try:
        for record in _records_of(text, delimiter, strict=False):
            if any(cell.strip() for cell in record):
                counts.append(len(record))
            if len(counts) == _LOOKED_AT:
                break
    except csv.Error:
        pass
    return counts


def _separator(text: str) -> str:
    """The separator that cuts most of the first records into as many cells as the others; the most cells among equals."""

    def worth(delimiter: str) -> tuple[float, int]:
        counts = _lengths(text, delimiter)
        parted = Counter(count for count in counts if count > 1).most_common(1)
        return (parted[0][1] / len(counts), parted[0][0]) if parted else (0.0, 0)

    return max(_SEPARATORS, key=worth)


def _split(text: str, skipped: int, delimiter: str, path: Path, faults: list[Fault], *, loose: bool) -> Records:
    found = Records([], [], [], [], [])
    usual = Counter(_lengths(text, delimiter)).most_common(1)[0][0] if loose else 0
    reader = _records_of(text, delimiter, strict=True)
    before = header = skipped
    above: list[int] = []
    wrong: list[tuple[int, list[str]]] = []
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            faults.append(Fault(f"is no CSV here: {error}", f"{path.name}:{before + 1}", "check the quotes"))
            raise CausalError(*faults) from error
        if record is None:
            break
        start, before = before + 1, skipped + reader.line_num
        if not any(cell.strip() for cell in record):
            if len(record) > 1:
                found.empty.append(start)
        elif not found.names and len(record) != usual and loose:
            above.append(start)
        elif not found.names:
            if len(record) > _MOST_COLUMNS:
                what = f"names {len(record)} columns, and at most {_MOST_COLUMNS} are read"
                raise CausalError(*faults, Fault(what, f"{path.name}:{start}", "keep those that you need"))
            found.names.extend(cell.strip() for cell in record)
            header = start
        elif len(record) != len(found.names):
            wrong.append((start, record))
        else:
            found.lines.append(start)
            found.rows.append(record)
    if loose:
        wrong = _without_margins(found, wrong, above)
    faults.extend(
        Fault(f"column {at} has no name", f"{path.name}:{header}", "name it")
        for at, name in enumerate(found.names, 1)
        if not name
    )
    for start, record in wrong[:_NAMED]:
        what = f"{len(record)} cells where the first line names {len(found.names)}"
        faults.append(Fault(what, f"{path.name}:{start}", f"a cell with a {_SEPARATORS[delimiter]} needs quotes"))
    if len(wrong) > _NAMED:
        faults.append(
            Fault(f"{len(wrong) - _NAMED} more rows have another number of cells", path.name, "write one cell a column")
        )
    return found


def _without_margins(
    found: Records, wrong: list[tuple[int, list[str]]], above: list[int]
) -> list[tuple[int, list[str]]]:
    """Take what is no row from the end of a table, and columns without name or value; what is left of the rows of a wrong length."""
    if above:
        found.notes.append(f"lines above the names are skipped: {shortened(above, 12)}")
    below: list[int] = []
    while found.rows and sum(bool(cell.strip()) for cell in found.rows[-1]) == 1 < len(found.names):
        below.append(found.lines.pop())
        found.rows.pop()
    last = found.lines[-1] if found.lines else 0
    below += [start for start, record in wrong if start > last and sum(bool(cell.strip()) for cell in record) == 1]
    if below:
        found.notes.append(f"lines below the rows are skipped: {shortened(sorted(below), 12)}")
    while found.names and not found.names[-1] and not any(row[-1].strip() for row in found.rows):
        found.names.pop()
        for row in found.rows:
            row.pop()
    return [(start, record) for start, record in wrong if start not in below]


def _cells(found: Records, keys: Sequence[str] | None, missing: Sequence[str]) -> dict[int, list[str]]:
    """The cells that hold something, by column, but for those of the keys."""
    return {
        at: [cell for row in found.rows if (cell := row[at].strip()) not in missing]
        for at, name in enumerate(found.names)
        if keys is not None and name not in keys
    }


def _with_points(
    found: Records,
    keys: Sequence[str] | None,
    missing: Sequence[str],
    delimiter: str,
    decimal: str | None,
    path: Path,
    faults: list[Fault],
) -> list[str]:
    """Rewrite the numbers of other styles in place; what to say of them."""
    columns = _cells(found, keys, missing)
    marks = {at: set("".join(column)) & set(f",'’{_SPACES}") for at, column in columns.items()}
    style: Style | str = _POINT if decimal is None else Style(decimal)
    if decimal is None:
        simple = delimiter == "," and not any(marks.values())
        if not simple or any(cell.count(".") > 1 for column in columns.values() for cell in column):
            style = found_style(columns.values(), delimiter)

    def where(at: int, cell: str) -> str:
        line = next(line for line, row in zip(found.lines, found.rows, strict=True) if row[at].strip() == cell)
        return f"{path.name}:{line} column '{found.names[at]}':"

    if isinstance(style, str):
        at = next(at for at, column in columns.items() if style in column)
        what = f"'{style}' may be {_POINT.plain(style)} or {_COMMA.plain(style)}"
        faults.append(Fault(what, where(at, style), 'say which: decimal = "." or decimal = ","'))
        return []
    grouped = False
    for at, column in columns.items():
        if style.decimal == "." and not marks[at]:
            continue
        unfit = next((cell for cell in column if not style.pattern.fullmatch(cell)), None)
        if unfit is None:
            for row in found.rows:
                cell = row[at].strip()
                if cell not in missing:
                    row[at] = style.plain(cell)
                    grouped |= len(row[at]) < len(cell)
        elif style.decimal == "," and all(NUMBER.fullmatch(cell) for cell in column):
            what = f"'{unfit}' is no number with a decimal comma, as the file's are said to be"
            faults.append(Fault(what, where(at, unfit), 'write it with a comma, or say decimal = "."'))
    told = ["decimal commas"] if style.decimal == "," else []
    return [*told, "marks between thousands left out"] if grouped else told
