"""What the guard may do by itself, and the stop that holds it."""
