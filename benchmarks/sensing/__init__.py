"""What sensing costs."""
