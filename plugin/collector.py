"""Spares Python's garbage collector its searches through what is in use as a whole.

A picture of a million chats grows for seconds, none of it is garbage, and the collector would
look through all of it again whenever it has grown by a quarter. This is the whole process's
collector: nothing here may outlast the block that asked for it.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

NEVER = 1_000_000_000


@contextlib.contextmanager
def collector_paused() -> Iterator[None]:
    """No collection at all while the block lasts: for work of seconds that waits for nobody.

    What came into being in it counts as old when it ends, so that the first search through all
    of it comes when there may be something to find, not at once.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.unfreeze()
            gc.enable()


@contextlib.contextmanager
def full_collections_spared() -> Iterator[None]:
    """No collection of the oldest objects while the block lasts, which may wait for the network.

    The young ones are looked through as ever, so that what others leave behind meanwhile does
    not pile up.
    """
    young, middle, old = gc.get_threshold()
    if old == NEVER:
        # Another instance's block lasts; it is that one's to end.
        yield
        return
    gc.set_threshold(young, middle, NEVER)
    try:
        yield
    finally:
        gc.set_threshold(young, middle, old)
