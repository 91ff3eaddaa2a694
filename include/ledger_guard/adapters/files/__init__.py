"""Files read whole, and JSON from outside, in bounds."""
