"""AWS as clients see it."""
