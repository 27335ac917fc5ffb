"""What was recorded, in words: figures beside their targets, hops, modules and calls up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from ..bench.table import lay_out, verdict
from .layers import Layers
from .recorder import Call, Function


class Trace:
    """The calls of one run, summed up."""

    def __init__(self, calls: Sequence[Call], layers: Layers) -> None:
        """
        Args:
            calls: what was recorded, in order.
            layers: tells a call up.
        """
        self.layers = layers
        self.entries: Counter[Function] = Counter()
        for call in calls:
            # A function that went on without having been called meanwhile was entered all the
            # same: a coroutine that waited for this.
            self.entries[call.callee] += not call.resumed
        self.functions = [one for one in self.entries if not one.constructor]
        self.constructors = [one for one in self.entries if one.constructor]
        self.calls_up = layers.calls_up(calls)

    @property
    def modules(self) -> list[str]:
        """Those of which a function was entered, constructors apart, in order of the first."""
        return list(dict.fromkeys(function.module for function in self.functions))

    @property
    def constructors_only(self) -> list[str]:
        """Those of which nothing but constructors was entered."""
        modules = dict.fromkeys(function.module for function in self.constructors)
        return [module for module in modules if module not in self.modules]

    def figures(self, functions: int | None, modules: int) -> str:
        """The counts, each beside the most that it should be.

        Args:
            functions: how many functions; None where there is no target.
            modules: how many modules.
        """
        calls = sum(self.entries[function] for function in self.functions)
        apart = len(self.constructors)
        most = "" if functions is None else _at_most(len(self.functions), functions)
        rows = [
            ["functions", str(len(self.functions)), most],
            ["modules", str(len(self.modules)), _at_most(len(self.modules), modules)],
            ["calls up", str(len(self.calls_up)), _at_most(len(self.calls_up), 0)],
            ["calls", str(calls), ""],
            ["constructors, apart", str(apart), ""],
        ]
        return lay_out(rows)

    def hops(self) -> str:
        """Every function, constructors apart, in order of the first entry."""
        rows = [["", "folder", "module", "function", "calls"]]
        for place, function in enumerate(self.functions, 1):
            where = [self._folder(function.module), _short(function.module)]
            rows.append([str(place), *where, function.name, str(self.entries[function])])
        return _left(rows)

    def by_module(self) -> str:
        """Every module with how many of its functions were entered."""
        count = Counter(function.module for function in self.functions)
        rows = [["", "folder", "module", "functions"]]
        rows += [
            [str(place), self._folder(module), _short(module), str(count[module])]
            for place, module in enumerate(self.modules, 1)
        ]
        return _left(rows)

    def apart(self) -> str:
        """What only makes objects: the constructors, and modules with nothing else."""
        names = ", ".join(f"{_short(one.module)}.{one.name}" for one in self.constructors)
        modules = ", ".join(_short(module) for module in self.constructors_only)
        return f"constructors: {names or 'none'}\nonly constructors in: {modules or 'none'}"

    def ups(self) -> str:
        """Every call from a lower layer to a higher one."""
        if not self.calls_up:
            return "No call goes up."
        rows = [["caller", "", "callee"]]
        rows += [[_full(caller), "->", _full(callee)] for caller, callee in self.calls_up]
        return f"Calls up\n{_left(rows)}"

    def _folder(self, module: str) -> str:
        return self.layers.layer_of(module).partition(".")[2] or "-"


def _at_most(count: int, most: int) -> str:
    return f"{verdict(count <= most)}: at most {most}"


def _short(module: str) -> str:
    return module.partition(".")[2] or module


def _full(function: Function) -> str:
    return f"{_short(function.module)}.{function.name}"


def _left(rows: list[list[str]]) -> str:
    """Columns as wide as they must be, all aligned left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  " + "   ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
