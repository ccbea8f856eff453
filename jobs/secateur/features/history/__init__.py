"""What keys and users had before an event, point in time."""
