"""Raw values of a request as the ids and numbers that a graph reads."""
