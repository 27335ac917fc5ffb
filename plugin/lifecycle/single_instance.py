"""Only one plugin object of an instance runs: a newer one stops the older.

maubot ignores `stop()` while `start()` runs and then makes a second object; the first one would
go on serving beside it. The two share nothing but maubot's client, since the module is loaded
anew, so that is where the running one leaves its name, until it stops. Of two processes on one
database the older finds out when it writes (cache/transactions.py).
"""

from __future__ import annotations

import asyncio
from typing import Any

from maubot import Plugin
from mautrix.util.async_db import Database

# Seconds that the older one may take; the start must not wait for it for ever.
LONGEST_STOP = 10.0
ATTRIBUTE = "chat_spacekeeper_running"


async def stop_previous(plugin: Plugin) -> bool:
    """End the plugin object that serves the same instance, if there is one, and take its place.

    Args:
        plugin: the object that is starting.

    Returns:
        Whether it still has that place: a newer object may have taken it meanwhile.
    """
    client: Any = plugin.client
    running: dict[str, Plugin] = vars(client).setdefault(ATTRIBUTE, {})
    older, running[plugin.id] = running.get(plugin.id), plugin
    if older is not None and older is not plugin:
        try:
            await asyncio.wait_for(older.internal_stop(), LONGEST_STOP)
        except asyncio.TimeoutError:
            plugin.log.warning("An older plugin object of this instance took too long to stop")
        except Exception:
            plugin.log.exception("An older plugin object of this instance failed to stop")
        if isinstance(older.database, Database) and older.database is not plugin.database:
            # maubot forgot it when it made another one for the newer object.
            await older.database.stop()
    return running.get(plugin.id) is plugin


def leave(plugin: Plugin) -> None:
    """Take the name of a plugin object that stops off maubot's client, if it stands there.

    Args:
        plugin: the object.
    """
    attributes = vars(plugin.client)
    running: dict[str, Plugin] = attributes.get(ATTRIBUTE, {})
    if running.get(plugin.id) is plugin:
        del running[plugin.id]
    if not running:
        attributes.pop(ATTRIBUTE, None)
