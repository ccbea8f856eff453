"""What can be cut: rows, neurons, weights by name and number, and what they cost."""
