"""What the formats of lines share: grok, typed fields, frames, detection."""
