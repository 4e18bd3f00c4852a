"""LogsQL: text to an immutable tree, and back."""
