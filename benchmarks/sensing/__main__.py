"""`python -m benchmarks.sensing [--full]`."""

from benchmarks.sensing.command import command

if __name__ == "__main__":
    command()
