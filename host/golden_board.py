"""The golden model behind the interface of a board."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.core_config import CoreConfig
from golden.counters import Counters
from golden.layout import Layout
from golden.qformat import Int
from golden.settings import Settings
from golden.trainer import GoldenModel
from host.board import Board


class GoldenBoard(Board):
    """A board that computes with numpy; it refuses what a board of `config` would refuse."""

    name = "golden model"

    def __init__(self, config: CoreConfig | None = None) -> None:
        super().__init__(config or CoreConfig())
        self._model: GoldenModel | None = None
        self._counters = Counters()
        self._run = 0
        self._results: dict[int, Int] = {}

    @property
    def model(self) -> GoldenModel:
        """The model that is loaded."""
        assert self.layout
        assert self._model is not None
        return self._model

    def _load(self, layout: Layout, settings: Settings) -> None:
        self._model = GoldenModel(layout.network, self.config.formats, settings, strict=False)
        self.clear_counters()

    def _submit(
        self, frames: NDArray[Any], label: int, start: bool, learn: bool, update: bool
    ) -> int:
        self.model.trained_intervals = self.trained_intervals
        self._results[self._run] = self.model.run_interval(
            frames, label, start=start, learn=learn, halvings=self._halvings, update=update,
            counters=self._counters,
        )  # fmt: skip
        self._run += 1
        return self._run - 1

    def _collect(self, run: int) -> Int:
        return self._results.pop(run)

    def _apply_halvings(self) -> None:
        """`_submit` passes them on."""

    def _write(self, kind: str, values: list[Int]) -> None:
        # Not `GoldenModel.load_weights`: memories take any code.
        setattr(self.model, kind, [np.array(value, dtype=np.int64) for value in values])

    def _read(self, kind: str) -> list[Int]:
        name = "carry" if kind == "state" else kind
        return [np.array(value) for value in getattr(self.model, name)]

    def counters(self) -> dict[str, int]:
        """Return saturations per kind and the overflow flag."""
        values = {f"saturated_{name}": n for name, n in self._counters.saturations.items()}
        return {**values, "gradient_overflow": int(self.model.gradient_overflow)}

    def profile(self) -> list[dict[str, Any]]:
        """Return nothing: the model has no cycles."""
        return []

    def clear_counters(self) -> None:
        """Zero the counters."""
        self._counters = Counters()
        if self._model is not None:
            self._model.gradient_overflow = False
