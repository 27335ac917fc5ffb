"""One command: how it is used, and what carries it out; dispatch.py lists them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attr

from .arguments import Request


@attr.frozen
class Command:
    """How a command is used, what it does, and what does it; the answer is its return value.

    `elsewhere` is how it is used outside the chat that it is about, if that differs. What is done
    `at_once` does not wait for the messages before it, nor, unless it `needs_rooms`, for a Space.
    """

    usage: str
    does: str
    run: Callable[[Request], Awaitable[str]]
    elsewhere: str = ""
    at_once: bool = False
    needs_rooms: bool = True

    @property
    def takes_words(self) -> bool:
        """Whether something may follow its name."""
        return " " in self.usage + self.elsewhere
