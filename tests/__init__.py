"""Mirrors the code; every test is a sentence."""
