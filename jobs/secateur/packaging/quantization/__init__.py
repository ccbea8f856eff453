"""From float32 tables to the numbers that a package stores."""
