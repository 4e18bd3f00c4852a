"""The live side: hub and tail."""
