"""The container agent: what runs on one host, over gRPC. ``driver.py`` is the page to read first."""
