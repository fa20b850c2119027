"""Measurements that answer a question of their own; each module is a command (``python -m``)."""
