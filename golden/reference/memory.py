"""Bytes that torch keeps for the backward pass, and bytes of all tensors, on any device."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class _Kept:
    """A saved tensor; tells its meter when torch lets go of it."""

    def __init__(self, meter: SavedBytes, tensor: torch.Tensor) -> None:
        self.meter, self.tensor = meter, tensor
        meter.keep(tensor)

    def __del__(self) -> None:
        self.meter.release(self.tensor)


class SavedBytes:
    """Context manager that measures what graphs made inside it hold for their backward pass.

    A storage that several operations save counts once, and parameters do not count: they are there
    anyway.

    Parameters
    ----------
    parameters : iterable of torch.Tensor
        What not to count.

    Attributes
    ----------
    now, peak : int
        Bytes held now, and at most so far.
    """

    def __init__(self, parameters: Iterable[torch.Tensor] = ()) -> None:
        self._own = {tensor.untyped_storage()._cdata for tensor in parameters}
        self._holders: dict[int, int] = {}
        self.now = self.peak = 0
        self._hooks = torch.autograd.graph.saved_tensors_hooks(self._pack, self._unpack)

    def __enter__(self) -> SavedBytes:
        self._hooks.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._hooks.__exit__(kind, error, traceback)

    def _pack(self, tensor: torch.Tensor) -> _Kept:
        return _Kept(self, tensor)

    @staticmethod
    def _unpack(kept: _Kept) -> torch.Tensor:
        return kept.tensor

    def keep(self, tensor: torch.Tensor) -> None:
        """Count a tensor's storage unless it is held already."""
        key = tensor.untyped_storage()._cdata
        if key in self._own:
            return
        self._holders[key] = self._holders.get(key, 0) + 1
        if self._holders[key] == 1:
            self.now += tensor.untyped_storage().nbytes()
            self.peak = max(self.peak, self.now)

    def release(self, tensor: torch.Tensor) -> None:
        """Undo `keep`."""
        key = tensor.untyped_storage()._cdata
        if key in self._own:
            return
        self._holders[key] -= 1
        if not self._holders[key]:
            del self._holders[key]
            self.now -= tensor.untyped_storage().nbytes()


class LiveBytes(TorchDispatchMode):
    """Context manager that measures all tensors made inside it while they live.

    What `torch.cuda.max_memory_allocated` tells on a GPU, but for the allocator's rounding and the
    work space of its libraries; on any device, ``meta`` included.

    Attributes
    ----------
    now, peak : int
        Bytes that live now, and at most so far.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._known: dict[int, Any] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation and note what it made."""
        made = func(*args, **(kwargs or {}))
        for tensor in tree_iter(made):
            if isinstance(tensor, torch.Tensor):
                self._note(tensor.untyped_storage())
        return made

    def _note(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return

        def gone(_: Any) -> None:
            del self._known[key]
            self.now -= size

        self._known[key] = weakref.ref(storage, gone)
        self.now += size
        self.peak = max(self.peak, self.now)
