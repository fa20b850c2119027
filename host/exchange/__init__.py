"""Networks and weights from and to other frameworks: NIR files, see docs/exchange.md."""
