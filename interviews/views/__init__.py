"""Views: authorise, parse, call, render."""
