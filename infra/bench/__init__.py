"""Benchmarks: `python -m bench NAME`, or `make bench-NAME`, writes a page of figures."""
