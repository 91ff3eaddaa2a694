"""`python -m benchmarks.audit [--entries N]`."""

from benchmarks.audit.command import command

if __name__ == "__main__":
    command()
