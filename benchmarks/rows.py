"""How long many rows take: data to posterior, and the engine's cross-products beside a query written by hand.

    python benchmarks/rows.py [rows in millions ...]        (1 10 by default; 100 takes minutes and 3 GB of disk)

The first size goes from a frame to a posterior (three equations, 4 x 1,000 draws) in a fresh process. Every size is written as Parquet, 100
periods a unit, and reduced in fresh processes: by `Panel.from_table` and `build_model`, and by one DuckDB query for the same
cross-products. Either has reduced a table of ten thousand rows before the clock starts, so that neither pays its imports; what a process takes as a
whole, imports and all, stands beside it. Runs alternate, and the fastest of three counts. Peak memory is each process's own.

Ours checks the rows besides (missing, infinite, twice, absent), and is faster all the same: it adds up the rows that have their whole past only, where the
query asks of each sum anew which rows those are.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

GRAPH = "x -> x [lag=1]\ny -> y [lag=1]\nz -> z [lag=1]\nx -> y [lag=1]\ny -> z [lag=1]\nz -> x [lag=1]"

MADE = """
import sys, duckdb
duckdb.sql(f'''copy (with recursive units as (select unnest(range({int(float(sys.argv[1]) * 10000)})) as unit),
    rows as (select unit, year, hash(unit * 1000 + year) as h from units, (select unnest(range(2000, 2100)) as year))
    select unit, year, (h % 1000003) / 1000003.0 + unit % 7 as x, (hash(h) % 1000003) / 1000003.0 + sin(year) as y, (hash(h + 1) % 1000003) / 1000003.0 as z
    from rows) to '{sys.argv[2]}' (format parquet)''')
"""

OURS = """
import sys, time
import causal as ca
for path in (sys.argv[2], sys.argv[1]):
    start = time.perf_counter()
    made = ca.build_model(ca.read_graph(sys.argv[3]), ca.Panel.from_table(path, in_memory=False))
    made.design
    taken = time.perf_counter() - start
"""

HAND = """
import sys, time
import duckdb
names = [f"{node}{lag}" for lag in ("", "_1") for node in "xyz"]
pairs = [(a, b) for k, a in enumerate(names) for b in names[k:]]
def reduced(path):
    duckdb.sql(f'''
with lagged as (select unit, year, x, y, z, lag(x) over w as x_1, lag(y) over w as y_1, lag(z) over w as z_1
    from '{path}' window w as (partition by unit order by year)),
units as (select count(x_1) as n, {", ".join(f"sum({c}) filter (x_1 is not null) as s_{c}" for c in names)},
    {", ".join(f"sum({a} * {b}) filter (x_1 is not null) as p_{a}_{b}" for a, b in pairs)} from lagged group by unit)
select {", ".join(f"sum(p_{a}_{b} - s_{a} * s_{b} / n)" for a, b in pairs)} from units''').fetchall()
    duckdb.sql(f'''select year, {", ".join(f"sum({c})" for c in "xyz")} from '{path}' group by year''').fetchall()
for path in (sys.argv[2], sys.argv[1]):
    start = time.perf_counter()
    reduced(path)
    taken = time.perf_counter() - start
"""

POSTERIOR = """
import sys, time
import pandas
import causal as ca
frame = pandas.read_parquet(sys.argv[1])
start = time.perf_counter()
fit = ca.fit(ca.build_model(ca.read_graph(sys.argv[3]), ca.Panel.from_table(frame)), seed=1)
taken = time.perf_counter() - start
"""

REPORT = """
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print(taken, int(peak) / 1024**2)
"""


def measured(code: str, *arguments: str) -> tuple[float, float, float]:
    """Seconds of the work, peak GiB and seconds as a whole of a fresh process."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code + REPORT, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    whole = time.perf_counter() - start
    seconds, memory = done.stdout.split()[-2:]
    return float(seconds), float(memory), whole


def main() -> None:
    """Print the tables."""
    sizes = sys.argv[1:] or ["1", "10"]
    table = [
        "| million rows | ours, s | by hand, s | ratio | bar | whole process, s | by hand, s | peak, GiB | by hand, GiB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        path, small = (str(Path(folder) / name) for name in ("rows.parquet", "small.parquet"))
        subprocess.run([sys.executable, "-c", MADE, "0.01", small], check=True)
        for size in sizes:
            subprocess.run([sys.executable, "-c", MADE, size, path], check=True)
            if size == sizes[0]:
                seconds, memory, _ = measured(POSTERIOR, path, small, GRAPH)
                print(f"{size} million rows, frame to posterior: {seconds:.0f} s (bar 120), peak {memory:.1f} GiB\n")
            times = range(1 if float(size) > 50 else 3)
            runs = [(measured(OURS, path, small, GRAPH), measured(HAND, path, small)) for _ in times]
            ours, hand = (min(run[k] for run in runs) for k in (0, 1))
            cells = (
                f"{ours[0]:.1f}",
                f"{hand[0]:.1f}",
                f"{ours[0] / hand[0]:.2f}",
                "1.5",
                f"{ours[2]:.1f}",
                f"{hand[2]:.1f}",
                f"{ours[1]:.2f}",
                f"{hand[1]:.2f}",
            )
            table.append(f"| {size} | {' | '.join(cells)} |")
    print("\n".join(table))


if __name__ == "__main__":
    main()
