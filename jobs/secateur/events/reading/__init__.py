"""Raw files as they lie: which are a night's, what is in them, and how Spark is to read them."""
