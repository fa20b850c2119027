"""Self-test of a board: link, memories, training; ``python -m boards selftest``."""
