"""What is measured of scores against labels, as points, under weights, and row by row."""
