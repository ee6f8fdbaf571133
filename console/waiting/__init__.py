"""Waiting for something to hold: conditions that look, and the loop that looks again when it may have changed."""
