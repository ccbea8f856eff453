"""Tonight's events held against those of the last accepted night."""
