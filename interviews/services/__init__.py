"""What the app does: the only writers of its rows."""
