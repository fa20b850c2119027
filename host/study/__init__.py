"""The study: test accuracy over truncation interval and block length, on two data sets."""
