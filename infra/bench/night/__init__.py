"""Benchmarks of the night's verbs, and of a request to what they publish."""
