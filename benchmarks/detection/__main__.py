"""`python -m benchmarks.detection`: the severity engine against published rules, and how fast it is, on one core."""

from __future__ import annotations

import os


def main() -> None:
    """Hold numpy to one thread, which it reads when it is first imported, and run."""
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    from benchmarks.detection.command import command  # noqa: PLC0415 (numpy comes with it)

    command()


if __name__ == "__main__":
    main()
