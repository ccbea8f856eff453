"""Suites from schemas, run by Great Expectations; receipts and pages. great_expectations."""
