"""maubot's encryption, as far as the plugin can tell: who has the key reads what was written.

The ciphertext is the clear text between two brackets, so that tests can read it too.
"""

from __future__ import annotations

import json
from typing import Any

from mautrix.errors import SessionNotFound
from mautrix.types import Event, EventType

CLEAR = {"msgtype": "m.text", "body": "In secret"}


class FakeCrypto:
    """Encrypts everything, and decrypts while it has the keys.

    Attributes:
        has_keys: whether it has.
        late: how many attempts fail all the same, before the keys come.
    """

    def __init__(self) -> None:
        self.has_keys = True
        self.late = 0

    async def decrypt_megolm_event(self, sealed: Any) -> Event:
        """The event in clear text; what people encrypt says always the same."""
        self.late -= 1
        if not self.has_keys or self.late >= 0:
            raise SessionNotFound(sealed.content.session_id, sealed.content.sender_key)
        text = sealed.content.ciphertext
        content = json.loads(text[1:-1]) if text.startswith("[{") else CLEAR
        clear: Event = Event.deserialize(
            {**sealed.serialize(), "type": "m.room.message", "content": content}
        )
        return clear

    async def encrypt_megolm_event(self, _: str, __: EventType, content: Any) -> Any:
        return Sealed(content)

    def __getattr__(self, name: str) -> Any:
        async def ignore(*_: object, **__: object) -> None:
            return

        return ignore


class Sealed:
    """What leaves for the homeserver."""

    def __init__(self, content: Any) -> None:
        self.content = content

    def serialize(self) -> Any:
        # What a message relates to stays in clear (client-server API, section 10.12.2.3).
        related = {key: self.content[key] for key in ("m.relates_to",) if key in self.content}
        return {
            **related,
            "algorithm": "m.megolm.v1.aes-sha2",
            "ciphertext": f"[{json.dumps(self.content)}]",
            "device_id": "BOT",
            "sender_key": "key",
            "session_id": "session",
        }
