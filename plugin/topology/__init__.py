"""What Spaces and chats are, and what must become of what was found: values and pure functions.

Nothing here performs I/O or knows maubot, mautrix or asyncio, so every rule can be tested with
plain values and shown to be the same on every machine.
"""
