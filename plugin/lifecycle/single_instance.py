"""Only one plugin object of an instance lives: a newer one ends the older.

maubot ignores `stop()` while `start()` runs and then makes a second object; the first one would
go on serving beside it. The two share nothing but maubot's client, since the module is loaded
anew, so that is where each leaves its name.
"""

from __future__ import annotations

import asyncio
from typing import Any

from maubot import Plugin
from mautrix.util.async_db import Database

# Seconds that the older one may take; the start must not wait for it for ever.
LONGEST_STOP = 10.0
ATTRIBUTE = "chat_spacekeeper_living"


async def stop_previous(plugin: Plugin) -> bool:
    """End the plugin object that serves the same instance, if there is one, and take its place.

    Args:
        plugin: the object that is starting.

    Returns:
        Whether it still has that place: a newer object may have taken it meanwhile.
    """
    client: Any = plugin.client
    main_task: dict[str, Plugin] = vars(client).setdefault(ATTRIBUTE, {})
    older, main_task[plugin.id] = main_task.get(plugin.id), plugin
    if older is not None and older is not plugin:
        try:
            await asyncio.wait_for(older.internal_stop(), LONGEST_STOP)
        except asyncio.TimeoutError:
            plugin.log.warning("An older life of this instance took too long to end")
        except Exception:
            plugin.log.exception("An older life of this instance did not end in order")
        if isinstance(older.database, Database) and older.database is not plugin.database:
            # maubot forgot it when it made another one for the newer object.
            await older.database.stop()
    return main_task[plugin.id] is plugin
