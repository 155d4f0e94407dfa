"""Views of the grading app: authorise, parse, call, render."""
