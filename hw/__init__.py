"""Gateware of the training accelerator, in Amaranth."""
