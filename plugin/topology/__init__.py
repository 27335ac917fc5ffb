"""What Spaces and chats are, what their rooms said, and what a message is routed by.

Values and pure functions: nothing here performs I/O or knows maubot, mautrix or asyncio, so every
rule can be tested with plain values and is the same on every machine.
"""
