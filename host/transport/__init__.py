"""Byte streams to a board: simulated, UART, PCIe, and a wrapper that damages them for tests."""
