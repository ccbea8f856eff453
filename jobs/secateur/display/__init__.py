"""What people see of long work, sizes and times; programs see nothing of it."""
