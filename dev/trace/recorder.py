"""Records which functions of one package are called, and by which of its functions.

It hooks into Python's own profiler (`sys.setprofile`), so that the code which is traced need not
know. A call counts wherever it happens: in coroutines, in generators, in threads.
"""

from __future__ import annotations

import asyncio
import dis
import functools
import inspect
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

import attr

# Parts of the function that holds them, and no functions of their own since Python 3.12.
COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")
CONSTRUCTORS = ("__init__", "__new__", "__attrs_post_init__", "__post_init__")
GENERATED = re.compile(r"<attrs generated \w+ (?P<module>[\w.]+)\.(?P<name>\w+)>")
RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


@attr.frozen
class Function:
    """A function of the package.

    Attributes:
        module: where it is defined.
        name: its qualified name. Python 3.10 knows the bare name only, by which functions of one
            module that share it count as one: figures are comparable from 3.11 on.
        constructor: it only makes an object: `__init__`, code that attrs generated, a class body.
    """

    module: str
    name: str
    constructor: bool = False


@attr.frozen
class Call:
    """One function entered.

    Attributes:
        caller: the nearest function of the package on the stack; None where there is none, as in
            what the event loop calls.
        callee: what was entered.
        resumed: a generator or coroutine that went on, and was called before.
    """

    caller: Function | None
    callee: Function
    resumed: bool = False


class Recorder:
    """Records the calls of one package while it is told to."""

    def __init__(self, package: str, landmark: CodeType | None = None) -> None:
        """
        Args:
            package: its name; of other modules nothing is recorded.
            landmark: a function, of any package, whose last call ends what is of interest.
        """
        self.package = package
        self.landmark = landmark
        self._calls: list[Call] = []
        self._end: int | None = None
        self._recording = False
        self._ignored: asyncio.Task[Any] | None = None

    @property
    def calls(self) -> list[Call]:
        """What was recorded, in order, up to the last call of the landmark.

        Raises:
            LookupError: the landmark was not reached.
        """
        if self.landmark is not None and self._end is None:
            raise LookupError(f"{self.landmark.co_name} was not called")
        return self._calls[: self._end]

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Hook into this thread, and into those that start while the block lasts."""
        sys.setprofile(self._see)
        threading.setprofile(self._see)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    @contextmanager
    def recording(self, ignored: asyncio.Task[Any] | None = None) -> Iterator[None]:
        """Record while the block lasts; needs `installed`.

        Args:
            ignored: a task of which nothing is recorded.
        """
        self._ignored, self._recording = ignored, True
        try:
            yield
        finally:
            self._recording = False

    def _see(self, frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not self._recording:
            return
        if frame.f_code is self.landmark and not _is_resumed(frame):
            self._end = len(self._calls)
        callee = self._function(frame)
        if callee is None or (self._ignored is not None and _current_task() is self._ignored):
            return
        self._calls.append(Call(self._caller(frame), callee, _is_resumed(frame)))

    def _caller(self, frame: FrameType) -> Function | None:
        """The nearest function of the package below this one on the stack.

        What the event loop calls has none: the package never runs below the loop.
        """
        below = frame.f_back
        while below is not None:
            function = self._function(below)
            if function is not None:
                return function
            below = below.f_back
        return None

    def _function(self, frame: FrameType) -> Function | None:
        code = frame.f_code
        if code.co_name in COMPREHENSIONS:
            return None
        if generated := GENERATED.fullmatch(code.co_filename):
            module, name = generated["module"], f"{generated['name']}.{code.co_name}"
        else:
            module = frame.f_globals.get("__name__", "")
            name = getattr(code, "co_qualname", code.co_name)
        if module != self.package and not module.startswith(f"{self.package}."):
            return None
        # The body of a module or a class is run once, and holds no local variables.
        body = not code.co_flags & inspect.CO_OPTIMIZED
        constructor = bool(generated) or body or code.co_name in CONSTRUCTORS
        return Function(module, name, constructor)


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        # Another thread, or no loop at all.
        return None


def _is_resumed(frame: FrameType) -> bool:
    return bool(frame.f_code.co_flags & RESUMABLE) and frame.f_lasti > _start(frame.f_code)


@functools.cache
def _start(code: CodeType) -> int:
    """Where a generator or coroutine is when it is entered for the first time."""
    return next((one.offset for one in dis.get_instructions(code) if one.opname == "RESUME"), -1)
