"""What host and gateware agree on, as pure data: packets, registers, layer table, instructions."""
