"""What happens to a batch between the receiver and the WAL."""
