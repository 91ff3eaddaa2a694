"""`python -m benchmarks [audit|backfill|detection|ingest|parse|sensing]`: the named benchmark, or all.

Each prints its figures with a floor or a published rule beside it, measured in the same run.
Options behind a name are the benchmark's own: `python -m benchmarks backfill --full`, or `--help`.
"""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ("audit", "backfill", "detection", "ingest", "parse", "sensing")


def main() -> None:
    """Run each in an interpreter of its own, so that none finds the other's imports or memory."""
    named = sys.argv[1:2] or BENCHMARKS
    if not set(named) <= set(BENCHMARKS):
        sys.exit(f"{named[0]!r} is unknown; allowed: {', '.join(BENCHMARKS)}")
    for name in named:
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[2:]], check=True)


if __name__ == "__main__":
    main()
