"""Virtual board: the whole accelerator, Verilated into a shared library."""
