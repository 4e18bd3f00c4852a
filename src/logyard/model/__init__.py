"""What a log is: schema, batch, severity, ids, time, stream identity."""
