"""The command line's groups, one module each; `cli.py` loads a group only when it is called."""
