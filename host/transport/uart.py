"""A board behind a serial port."""

from __future__ import annotations

from pathlib import Path

from host.transport.base import Transport, TransportError

USUAL_BAUD = 12_000_000
"""Of a board whose rate is not told [bit/s]."""


class UartTransport(Transport):
    """Serial port, 8 data bits, no parity, 1 stop bit, no flow control.

    Parameters
    ----------
    port : str
        For instance ``/dev/ttyUSB1`` or ``COM4``, or a URL that pyserial knows.
    baud : int
        Rate of the bitstream [bit/s].

    Raises
    ------
    TransportError
        The port does not exist, is taken, or does not have the rate.
    """

    timeout = 0.5

    def __init__(self, port: str, baud: int = USUAL_BAUD) -> None:
        import serial
        import serial.tools.list_ports

        self.name = f"serial port {port}"
        self.rate = baud
        try:
            self._serial = serial.serial_for_url(port, baudrate=baud, timeout=0)
        except (serial.SerialException, ValueError, OSError) as error:
            ports = ", ".join(p.device for p in serial.tools.list_ports.comports()) or "none"
            hint = "" if Path(port).exists() or "://" in port else " (no such device)"
            raise TransportError(
                f"no board at {port}{hint} with {baud} baud: {error}. Serial ports here: {ports}"
            ) from error
        self._serial.reset_input_buffer()

    def set_rate(self, rate: int) -> None:
        """Change the rate of the port [bit/s]."""
        import serial

        try:
            self._serial.baudrate = rate
        except (serial.SerialException, ValueError, OSError) as error:
            raise TransportError(f"{self.name} does not have {rate} baud: {error}") from error
        self.rate = rate

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        import serial

        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise TransportError(f"{self.name} broke while sending: {error}") from error

    def receive(self, timeout: float) -> bytes:
        """Return what has arrived within `timeout` [s]."""
        import serial

        try:
            self._serial.timeout = timeout
            first: bytes = self._serial.read(1)
            waiting: int = self._serial.in_waiting
            rest: bytes = self._serial.read(waiting) if first and waiting else b""
        except (serial.SerialException, OSError) as error:
            raise TransportError(f"{self.name} broke while receiving: {error}") from error
        return first + rest

    def close(self) -> None:
        """Close the port."""
        self._serial.close()
