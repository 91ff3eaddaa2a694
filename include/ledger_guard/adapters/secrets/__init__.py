"""The platform's secrets, by presence, age and fingerprint."""
