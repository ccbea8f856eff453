"""What a user would try before a deep model, measured on the rows that it is measured on."""
