"""Public fakes, conformance suites and strategies."""
