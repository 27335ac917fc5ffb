"""The layers of the plugin, as the import contract in pyproject.toml orders them.

The contract says who may import whom; here the same order tells a call up from a call down.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from importlinter.api import read_configuration

from ..environments import ROOT
from .recorder import Call, Function


class Layers:
    """Tells which layer a module is in."""

    def __init__(self, layers: Sequence[str]) -> None:
        """
        Args:
            layers: from the highest to the lowest, as import-linter has them: packages that share
                a layer are separated by `|`, and those that need not exist stand in brackets.
        """
        self._rank = {
            package.strip(" ()"): rank
            for rank, layer in enumerate(layers)
            for package in layer.replace(":", "|").split("|")
        }

    def layer_of(self, module: str) -> str:
        """The package of the contract that the module is in; empty where there is none."""
        parts = module.split(".")
        names = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        return next((name for name in names if name in self._rank), "")

    def goes_up(self, caller: Function, callee: Function) -> bool:
        """Whether the caller's layer is below the callee's."""
        above, below = self.layer_of(callee.module), self.layer_of(caller.module)
        return bool(above and below) and self._rank[above] < self._rank[below]

    def calls_up(self, calls: Iterable[Call]) -> list[tuple[Function, Function]]:
        """The callers and callees of every call up, once each, in order of the first."""
        pairs = {
            (call.caller, call.callee): None
            for call in calls
            if call.caller is not None and self.goes_up(call.caller, call.callee)
        }
        return [(caller, callee) for caller, callee in pairs if caller is not None]


def read_layers() -> Layers:
    """The layers of pyproject.toml's contract."""
    contracts = read_configuration(str(ROOT / "pyproject.toml"))["contracts_options"]
    layered = next(contract for contract in contracts if contract["type"] == "layers")
    return Layers([str(layer) for layer in layered["layers"]])
