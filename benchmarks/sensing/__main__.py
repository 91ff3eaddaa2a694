"""`python -m benchmarks.sensing`."""

from benchmarks.sensing.command import main

if __name__ == "__main__":
    main()
