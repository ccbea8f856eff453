"""The board of a scenario: how its nights ended, and what its channels serve."""
