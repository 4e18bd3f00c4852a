"""JSON: one object a record, as lines, arrays or single objects."""
