"""Importance criteria, one module for each granularity."""
