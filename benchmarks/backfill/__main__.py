"""`python -m benchmarks.backfill [--full]`."""

from benchmarks.backfill.command import command

if __name__ == "__main__":
    command()
