"""Real-number reference of the training recursion: what the integer golden model approximates."""
