"""Storage: partitions made ahead, what is old dropped."""
