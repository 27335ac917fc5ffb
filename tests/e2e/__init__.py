"""The stories end to end: a real Synapse, a real maubot, and people with Matrix clients."""
