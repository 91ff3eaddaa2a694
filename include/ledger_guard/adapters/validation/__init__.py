"""The platform's own checks in its test environment."""
