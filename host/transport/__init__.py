"""Byte streams to a board: simulated, UART, and a wrapper that damages them for tests."""
