"""The columnar store behind one port."""
