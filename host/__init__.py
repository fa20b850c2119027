"""Host side: protocol, driver, transports, data sets and the training program."""
