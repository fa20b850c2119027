"""Integer golden model of on-chip training: numpy only, bit for bit what the gateware computes."""
