"""Building Spacekeeper, and the local stack that demo, dev and the end-to-end tests share.

Nothing in here goes into the plugin, and nothing in plugin/ may import it.
"""
