"""Generated from proto/logyard/agent/v1 by tools/protos."""
