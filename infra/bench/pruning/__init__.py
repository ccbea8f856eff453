"""Benchmarks of pruning: methods, bytes, and masks from night to night."""
