"""Services of rectification."""
