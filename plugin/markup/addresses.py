"""Which addresses a link may lead to: those of the schemes that are allowed, and to nobody.

A link to a user is a mention to clients, and whoever a machine writes about is not to be called.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

# Of the schemes in the client-server API, "m.room.message msgtypes", those for people.
ALLOWED = re.compile(r"(?:https?|mailto|matrix):[^\s]", re.IGNORECASE)
# matrix:u/alice:example.org, and https://matrix.to/#/@alice:example.org at whatever address a
# client has for it.
USER = re.compile(r"matrix:(?://[^/]*)?/*u(?:ser)?/|https?:[^#]*#!?/+(?:user/+)?@", re.IGNORECASE)


def is_allowed(address: str) -> bool:
    """Whether a text may have a link to an address."""
    plain = address
    for _ in range(3):
        # As often as somebody may have escaped it.
        plain = unquote(plain)
    return ALLOWED.match(address) is not None and USER.match(plain) is None
