"""The values of the configuration that need more than a look at their type, one function each.

Each raises ValueError with one sentence that names the key at fault; what becomes of that is for
parse.py to decide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..fields import Fields, describe, suggest
from ..platforms import registry
from ..platforms.protocol import PlatformSettings
from .settings import Settings
from .templates import CHAT_PLACEHOLDERS, SPACE_PLACEHOLDERS, check_template

# Room version grammar: https://spec.matrix.org/v1.11/rooms/
_ROOM_VERSION = re.compile(r"[A-Za-z0-9.-]{0,32}")


def read_space_name(names: Fields, missing: Settings) -> str:
    """The template of Spaces' names."""
    template = names.text("space", missing.space_name)
    return check_template(template, SPACE_PLACEHOLDERS, names.key("space"))


def read_chat_name(names: Fields, missing: Settings) -> str:
    """The template of chats' names."""
    template = names.text("chat", missing.chat_name)
    return check_template(template, CHAT_PLACEHOLDERS, names.key("chat"))


def read_room_version(top: Fields, missing: Settings) -> str:
    """A room version; empty for the homeserver's default."""
    value = top.raw.get("room_version", missing.room_version)
    if value is None:
        return ""
    # Room versions look like numbers, and few people put quotes around a number.
    if isinstance(value, bool) or not _ROOM_VERSION.fullmatch(str(value)):
        raise top.wrong("room_version", 'a room version such as "11", or nothing')
    return str(value)


def read_instance_key(top: Fields, missing: Settings) -> str:
    """The instance's key; empty for maubot's id of the instance."""
    value = top.raw.get("instance_key", missing.instance_key)
    # A number without quotes is a name like any other.
    if type(value) is int:
        return str(value)
    return top.optional_text("instance_key") if "instance_key" in top.raw else str(value)


def read_default_platform(top: Fields, missing: Settings) -> str:
    """The name of one of the platforms."""
    name = top.text("default_platform", missing.default_platform)
    platforms = top.raw.get("platforms", missing.platforms)
    if isinstance(platforms, Mapping) and name not in platforms:
        known = suggest(name, [str(known) for known in platforms])
        raise ValueError(f"default_platform: {describe(name)} is not among platforms, {known}")
    return name


def read_platform(platforms: Fields, name: object) -> PlatformSettings:
    """The settings of one platform."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"{platforms.key(name)}: the name of a platform must be text")
    return registry.parse(platforms.raw[name], platforms.key(name))
