"""What maubot gives an instance of the plugin, handed down from the plugin object."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import attr
from maubot.matrix import MaubotMatrixClient
from mautrix.util.async_db import Database


@attr.frozen
class Host:
    """What maubot gives an instance.

    Attributes:
        client: the bot's client.
        database: the instance's database.
        instance: the key that its rooms are marked with.
        log: the instance's log.
        step_down: called when another process turns out to run the same instance.
        served: set when people are served.
    """

    client: MaubotMatrixClient
    database: Database
    instance: str
    log: logging.Logger
    step_down: Callable[[], None]
    served: asyncio.Event
