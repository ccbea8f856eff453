"""What must hold of events and features, as expectations."""
