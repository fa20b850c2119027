"""Packet link: byte streams to memory access, frames and jobs of the core."""
