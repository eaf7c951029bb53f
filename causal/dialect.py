"""Text tables as people have them: encodings, separators, decimal commas and thousands.

What a file is like is found out, said in a note, and can be said by its user instead (`Dialect`). Nothing is guessed that would change a
number: where "1,234" may be 1234 or 1.234 and nothing in the file tells which, that is a fault.

>>> style = found_style([["1.234,5", "7"], ["0,25", "-3"]])
>>> style.decimal, [style.plain(cell) for cell in ("1.234,5", "0,25", "-3")]
(',', ['1234.5', '0.25', '-3'])
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from causal.errors import CausalError, Fault, shortened

MISSING = ("", "NA", "NaN", "nan")
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LOOKED_AT = 100
"""So many records tell which separator a file has."""
_SPACES = " \u00a0\u2009\u202f"
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_BOM = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_WESTERN = "cp1252"


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a file's user says of it: `encoding` as Python names it, `delimiter` between cells, `decimal` mark. What is None is found out."""

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        faults: list[Fault] = []
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except LookupError:
                faults.append(Fault(f"no encoding '{self.encoding}'", mend="write utf-8 or latin-1, for example"))
        if self.delimiter is not None and self.delimiter not in _SEPARATORS:
            faults.append(Fault(f"delimiter is {self.delimiter!r}", mend=r"take one of , ; | and \t"))
        if self.decimal is not None and self.decimal not in (".", ","):
            faults.append(Fault(f"decimal is {self.decimal!r}", mend="take . or ,"))
        if faults:
            raise CausalError(*faults)


@dataclass(frozen=True, slots=True)
class Style:
    """How a file writes numbers: the `decimal` mark; spaces, apostrophes and the other mark stand between thousands."""

    decimal: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """What a number of this style looks like."""
        between = f"[{'.' if self.decimal == ',' else ','}'’{_SPACES}]"
        mark = re.escape(self.decimal)
        return re.compile(
            rf"[+-]?(?:(?:\d+|[1-9]\d{{0,2}}(?:{between}\d{{3}})+)(?:{mark}\d*)?|{mark}\d+){_EXPONENT}|[+-]?(?:inf|infinity)",
            re.IGNORECASE,
        )

    def plain(self, cell: str) -> str:
        """A number of this style with a decimal point and nothing between its thousands."""
        other = "." if self.decimal == "," else ","
        return re.sub(f"[{other}'’{_SPACES}]", "", cell).replace(self.decimal, ".")


_POINT, _COMMA = Style("."), Style(",")


@dataclass(frozen=True)
class Records:
    """A text table: `names` of its columns; for each row of the right length its line and its cells; the lines without a value; what was found out."""

    names: list[str]
    lines: list[int]
    rows: list[list[str]]
    empty: list[int]
    notes: list[str]


def read_records(path: Path, dialect: Dialect, faults: list[Fault], *, keys: Sequence[str] = ()) -> Records:
    """The rows of a text file, numbers with decimal points; `keys` are columns whose cells stay as they are.

    Faults of single rows are added to `faults`. Raises `CausalError` with them where the file cannot be read at all.
    """
    text, told = _decoded(path, dialect)
    lines = text.splitlines(keepends=True)
    skipped, delimiter = 0, dialect.delimiter
    if lines and (said := re.fullmatch(r"sep=(.)\s*", lines[0], re.IGNORECASE)):
        skipped = 1
        delimiter = delimiter or (said[1] if said[1] in _SEPARATORS else None)
    if delimiter is None:
        delimiter = _separator(lines[skipped:])
    if delimiter != ",":
        told.append(f"{_SEPARATORS[delimiter]} between the columns")
    found = _split(lines, skipped, delimiter, path, faults)
    told += _with_points(found, keys, delimiter, dialect.decimal, path, faults)
    notes = [f"read with {shortened(told, 12)}"] if told else []
    if found.empty:
        notes.append(f"rows without a value are skipped: lines {shortened(found.empty, 12)}")
    return Records(found.names, found.lines, found.rows, found.empty, notes)


def found_style(columns: Iterable[Sequence[str]]) -> Style | str:
    """How columns of numbers are written, or the first cell that may be read in two ways where nothing tells which.

    `columns` hold cells without the missing ones; those that hold text are passed over.
    """
    doubtful = ""
    by_point = by_comma = False
    for column in columns:
        point, comma = (all(style.pattern.fullmatch(cell) for cell in column) for style in (_POINT, _COMMA))
        if point != comma:
            by_point, by_comma = by_point or point, by_comma or comma
        elif point and not doubtful:
            doubtful = next((cell for cell in column if _POINT.plain(cell) != _COMMA.plain(cell)), "")
    if by_comma and not by_point:
        return _COMMA
    return doubtful if doubtful and not by_point else _POINT


def _decoded(path: Path, dialect: Dialect) -> tuple[str, list[str]]:
    """The text of a file, and what to say of its letters."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CausalError(Fault(f"cannot be read: {error.strerror or error}", path.name, "check the path")) from error
    told: list[str] = []
    encoding = dialect.encoding or next((name for mark, name in _BOM.items() if raw.startswith(mark)), "utf-8-sig")
    if not dialect.encoding and encoding == "utf-16":
        told.append("letters in UTF-16")
    try:
        text = raw.decode("utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding)
    except UnicodeError as error:
        line = raw.count(b"\n", 0, getattr(error, "start", 0)) + 1
        what = "is not UTF-8" if encoding == "utf-8-sig" else f"is not {encoding}"
        fault = Fault(what, f"{path.name}:{line}", "save the file as UTF-8, or say its encoding")
        if dialect.encoding or encoding != "utf-8-sig":
            raise CausalError(fault) from error
        try:
            text = raw.decode(_WESTERN)
        except UnicodeError:
            raise CausalError(fault) from error
        told.append("letters in Windows-1252 (Latin-1), as it is not UTF-8")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise CausalError(Fault("is no text", f"{path.name}:{line}", "give a CSV file"))
    if not text.strip():
        raise CausalError(Fault("is empty", path.name, "give a line of names and one row for each unit and time"))
    return text, told


def _separator(lines: Sequence[str]) -> str:
    """The separator that cuts most of the first records into as many cells as there are names; the most cells among equals."""

    def worth(delimiter: str) -> tuple[float, int]:
        counts: list[int] = []
        try:
            for record in csv.reader(iter(lines), delimiter=delimiter):
                if any(cell.strip() for cell in record):
                    counts.append(len(record))
                if len(counts) == _LOOKED_AT:
                    break
        except csv.Error:
            pass
        if not counts or counts[0] < 2:
            return 0.0, 0
        return sum(count == counts[0] for count in counts) / len(counts), counts[0]

    return max(_SEPARATORS, key=worth)


def _split(lines: Sequence[str], skipped: int, delimiter: str, path: Path, faults: list[Fault]) -> Records:
    found = Records([], [], [], [], [])
    reader = csv.reader(iter(lines[skipped:]), delimiter=delimiter, strict=True)
    before = skipped
    while True:
        try:
            record = next(reader, None)
        except csv.Error as error:
            faults.append(Fault(f"is no CSV here: {error}", f"{path.name}:{before + 1}", "check the quotes"))
            raise CausalError(*faults) from error
        if record is None:
            return found
        start, before = before + 1, skipped + reader.line_num
        if not any(cell.strip() for cell in record):
            if len(record) > 1:
                found.empty.append(start)
        elif not found.names:
            found.names.extend(cell.strip() for cell in record)
            faults.extend(
                Fault(f"column {at} has no name", f"{path.name}:{start}", "name it")
                for at, name in enumerate(found.names, 1)
                if not name
            )
        elif len(record) != len(found.names):
            what = f"{len(record)} cells where the first line names {len(found.names)}"
            mark = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[delimiter]
            faults.append(Fault(what, f"{path.name}:{start}", f"a cell with a {mark} needs quotes"))
        else:
            found.lines.append(start)
            found.rows.append(record)


def _with_points(
    found: Records, keys: Sequence[str], delimiter: str, decimal: str | None, path: Path, faults: list[Fault]
) -> list[str]:
    """Rewrite the numbers of other styles in place; what to say of them."""
    columns = {
        at: [cell for row in found.rows if (cell := row[at].strip()) not in MISSING]
        for at, name in enumerate(found.names)
        if name not in keys
    }
    written = {at: set("".join(column)) for at, column in columns.items()}
    style: Style | str = _POINT if decimal is None else Style(decimal)
    if decimal is None and (delimiter != "," or any("," in marks for marks in written.values())):
        style = found_style(columns.values())
    if isinstance(style, str):
        if delimiter == "," and "," not in style:
            style = _POINT
        else:
            at = next(at for at, column in columns.items() if style in column)
            line = next(line for line, row in zip(found.lines, found.rows, strict=True) if row[at].strip() == style)
            what = f"'{style}' may be {_POINT.plain(style)} or {_COMMA.plain(style)}"
            where = f"{path.name}:{line} column '{found.names[at]}':"
            faults.append(Fault(what, where, 'say which: decimal = "." or decimal = ","'))
            return []
    grouped = False
    foreign = set(f",'’{_SPACES}") | ({"."} if style.decimal == "," else set())
    for at, column in columns.items():
        if not written[at] & foreign or not all(style.pattern.fullmatch(cell) for cell in column):
            continue
        for row in found.rows:
            cell = row[at].strip()
            if cell not in MISSING:
                row[at] = style.plain(cell)
                grouped |= len(row[at]) < len(cell)
    told = ["decimal commas"] if style.decimal == "," else []
    return [*told, "marks between thousands left out"] if grouped else told
