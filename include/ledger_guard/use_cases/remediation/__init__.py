"""One incident: what the policy names is done, waited for and reported."""
