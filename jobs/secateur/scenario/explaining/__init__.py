"""Mistakes of a scenario file, each with its line."""
