"""The model inputs to start from: columns as they are, and what is made of other events."""
