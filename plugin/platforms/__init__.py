"""The agent systems that chats talk to: one file per platform behind the protocol in protocol.py.

They stand apart so that a platform can be added without knowing Matrix. Nothing in here may
import from the rest of the plugin, except from topology.
"""
