"""Options, and what is run."""

from __future__ import annotations

import argparse

from benchmarks.sensing import classify_cost, quiet_check


def main() -> None:
    """Run both parts, or the named one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sensing", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("check", "classify"), help="default: both")
    parser.add_argument("--pairs", type=int, default=5, help="checks of each kind, in turn")
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--days", type=float, nargs="+", default=[0.25, 2.0], help="history behind the window")
    options = parser.parse_args()
    if options.part != "check":
        classify_cost.report(options.tenants, tuple(options.days), options.pairs)
    if options.part != "classify":
        quiet_check.report(options.pairs)
