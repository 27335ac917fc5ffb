"""Matrix, the truth: the only place that calls the homeserver.

api.py makes one call and is patient with it, reader.py looks at rooms, lookups.py at single
values, writer.py changes, sender.py talks.
"""
