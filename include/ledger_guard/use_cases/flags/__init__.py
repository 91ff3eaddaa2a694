"""Rolling a flag back, freezing its rollout, and enabling it again."""
