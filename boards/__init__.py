"""Supported FPGA boards, one file a board."""
