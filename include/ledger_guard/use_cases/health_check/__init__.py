"""Every five minutes: read the signals, judge them, decide, notify."""
