"""Factorization machine (Rendle, ICDM 2010)."""
