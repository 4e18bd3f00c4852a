"""The demo application, whose programs write real logs, and the generator, whose records can be verified."""
