"""What sensing and judging cost: one health check on the real scheduler, and one window of a big fleet."""
