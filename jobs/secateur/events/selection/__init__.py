"""Which rows of a log become events, and how many a night may lose."""
