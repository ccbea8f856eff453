"""What moving releases costs."""
