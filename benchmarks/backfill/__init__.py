"""Measures plan and force against statements with no safety, the platform's own script, and money that moves meanwhile."""
