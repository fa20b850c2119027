"""The folder of a run of the float reference: as any run's, with torch's state instead of codes."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from host.checkpoint import write_whole
from host.run_folder import RunFolder, RunFolderError


class ReferenceFolder(RunFolder):
    """Names of the folder's files, and how they are written.

    ``network.json`` and ``weights.npz`` (`codes`) are for the accelerator, if it can run the
    network. ``state.pt`` holds weights, optimiser, progress and random state; it is read with
    torch's ``weights_only``, which runs no code of the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.codes = self.weights
        self.weights = self.state = path / "state.pt"
        self.network = path / "network.json"

    @property
    def has_state(self) -> bool:
        """Whether there is something to go on from."""
        return self.state.is_file()

    def save_state(self, state: dict[str, Any]) -> None:
        """Write the state, as a whole or not at all."""
        write_whole(self.state, lambda file: torch.save(state, file))

    def load_state(self, device: torch.device) -> dict[str, Any]:
        """Read the state.

        Raises
        ------
        RunFolderError
            The file is damaged.
        """
        try:
            state = torch.load(self.state, map_location=device, weights_only=True)
            if not isinstance(state, dict) or "progress" not in state:
                raise ValueError("it holds no state of a run")
        except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise RunFolderError(f"{self.state} is damaged: {reason}") from error
        return state
