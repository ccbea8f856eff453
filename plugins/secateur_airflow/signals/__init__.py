"""What people are told of a night: alerts, and the records that its report reads."""
