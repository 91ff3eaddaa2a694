"""What people read: the board and the incident report."""
