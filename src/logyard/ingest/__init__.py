"""From accepted to findable: inlet, admission, drain."""
