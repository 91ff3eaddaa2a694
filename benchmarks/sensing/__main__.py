"""`python -m benchmarks.sensing [PART]`."""

from benchmarks.sensing.command import command

if __name__ == "__main__":
    command()
