"""Forms on paper: their codes, and which signed ones a round asks back."""
