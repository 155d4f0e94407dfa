"""Views of rectification."""
