"""Records as the bytes that ways out have in common."""
