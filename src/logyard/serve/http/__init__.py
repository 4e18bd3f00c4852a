"""REST, WebSocket and server-sent events."""
