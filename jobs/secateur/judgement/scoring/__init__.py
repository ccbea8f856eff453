"""Held-out rows given to the client that will serve them: scores, microseconds, bytes in memory."""
