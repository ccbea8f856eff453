"""Logistic regression: what each other architecture must beat."""
