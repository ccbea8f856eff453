"""Columns of events that are made of others: hashes of users, expressions of the scenario."""
