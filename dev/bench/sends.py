"""What one message costs, from one person to another, while something else is measured.

No bot has a part in it: it is what the homeserver takes, on this machine, at this time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..stack import Stack

# Seconds between two messages, and after which one counts as lost.
PAUSE, TIMEOUT = 1.0, 60.0


@asynccontextmanager
async def sending(stack: Stack, sends: list[float]) -> AsyncIterator[None]:
    """Let two people write and read in a room of their own, for as long as the block lasts.

    Args:
        stack: where.
        sends: gets the seconds from sending each message to seeing it.
    """
    writer, reader = [await stack.register_user(name) for name in ("writer", "reader")]
    room_id = await writer.create_room(preset="private_chat", invite=[reader.user_id])
    await reader.join(room_id)
    loop = asyncio.get_running_loop()

    async def send_later() -> float:
        await asyncio.sleep(PAUSE)
        sent_at = loop.time()
        await writer.send(room_id, "A message.")
        return sent_at

    async def send_again_and_again() -> None:
        while True:
            # A sync waits already, as that of somebody who reads an answer does.
            reading = reader.wait_for_message(room_id, within=TIMEOUT)
            sent_at, _ = await asyncio.gather(send_later(), reading)
            sends.append(loop.time() - sent_at)

    task = asyncio.create_task(send_again_and_again())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
