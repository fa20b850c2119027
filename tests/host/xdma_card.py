"""Stand-in for a card behind AMD's XDMA driver: named pipes in place of its devices."""

import os
import select
import threading

from host.protocol.packets import SLIP_END


class Card:
    """Two named pipes ``<folder>/xdma<number>_{h2c,c2h}_<channel>`` and their far ends.

    Attributes
    ----------
    device : str
        What the names of the pipes begin with.
    """

    def __init__(self, folder, number=0, channel=0):
        self.device = str(folder / f"xdma{number}")
        paths = [f"{self.device}_{way}_{channel}" for way in ("h2c", "c2h")]
        for path in paths:
            os.mkfifo(path)
        # For reading and writing, which does not wait for the other end.
        self.rx, self.tx = (os.open(path, os.O_RDWR | os.O_NONBLOCK) for path in paths)

    def take(self, timeout=1.0):
        """Bytes that the host sent, nothing after `timeout` [s]."""
        ready, _, _ = select.select([self.rx], [], [], timeout)
        return os.read(self.rx, 1 << 16) if ready else b""

    def give(self, data):
        os.write(self.tx, data)

    def vanish(self):
        """Close both ends."""
        for end in (self.rx, self.tx):
            os.close(end)
        self.rx = self.tx = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.rx is not None:
            self.vanish()


class CardWithBoard(Card):
    """A card that holds a virtual board; a thread carries the bytes, in pieces of `piece`.

    Parameters
    ----------
    folder : Path
    board : SimTransport
        Used by the thread alone.
    piece : int, optional
        Bytes of a piece at most, in either direction.
    """

    def __init__(self, folder, board, piece=1 << 16, **options):
        super().__init__(folder, **options)
        self.board = board
        self.piece = piece
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def carry(self):
        last = b""
        while not self.stop.is_set():
            data = self.take(0.02)
            for first in range(0, len(data), self.piece):
                self.board.send(data[first : first + self.piece])
            last = (last + data)[-2:]
            # A whole request: its answer comes within the time that BUSY takes, about 10 ms.
            if len(last) == 2 and last[-1] == SLIP_END != last[0]:
                answer = self.board.receive(self.board.timeout)
                for first in range(0, len(answer), self.piece):
                    self.give(answer[first : first + self.piece])
                last = b""

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()
        super().__exit__()
