"""Civil times: dates and clock times as people and programs write them, to instants."""
