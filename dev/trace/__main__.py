"""`python -m dev.trace`: traces both runs and prints what they came to."""

from __future__ import annotations

import asyncio
import logging

from .layers import read_layers
from .runs import CHATS, SPACES, trace_cold_start, trace_message
from .table import Trace

# The most that one message, and one cold start, should pass.
MESSAGE_FUNCTIONS, MESSAGE_MODULES, START_MODULES = 60, 22, 45


def main() -> int:
    logging.basicConfig(level=logging.ERROR)
    layers = read_layers()
    message = Trace(asyncio.run(trace_message()), layers)
    start = Trace(asyncio.run(trace_cold_start()), layers)
    print("One message, from maubot's handler to the answer in Matrix\n")
    print(f"{message.figures(MESSAGE_FUNCTIONS, MESSAGE_MODULES)}\n")
    print(f"{message.hops()}\n\n{message.by_module()}\n\n{message.apart()}\n\n{message.ups()}\n")
    print(f"One cold start with {SPACES} Spaces of {CHATS} chats, until handlers are registered\n")
    print(f"{start.figures(None, START_MODULES)}\n")
    print(f"{start.by_module()}\n\n{start.ups()}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
