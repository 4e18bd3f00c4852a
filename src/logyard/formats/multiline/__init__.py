"""Records of several lines: which lines belong together, and putting them together."""
