"""Benchmarks of training: accuracy and speed."""
