"""What a night did, for people: one self-contained page, and a table for the terminal."""
