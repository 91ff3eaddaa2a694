"""`python -m benchmarks.ingest [--lines N]`."""

from benchmarks.ingest.command import command

if __name__ == "__main__":
    command()
