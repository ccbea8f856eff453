"""One folder an architecture, what they share beside them, and the registry that knows them all."""
