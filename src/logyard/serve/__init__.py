"""What the outside speaks to."""
