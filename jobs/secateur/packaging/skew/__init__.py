"""A package's scores, held against its model's before anything is sealed."""
