"""Matrix, the truth: the only place that calls the homeserver.

api.py makes one call and is patient with it, reader.py looks, writer.py changes, sender.py talks.
"""
