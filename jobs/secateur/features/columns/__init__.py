"""Event columns as ids and numbers."""
