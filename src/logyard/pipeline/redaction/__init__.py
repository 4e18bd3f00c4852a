"""What must not be stored: rules that find it, and what is done about it."""
