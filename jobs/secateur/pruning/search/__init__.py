"""The search for recipes under a budget of bytes, microseconds and minutes."""
