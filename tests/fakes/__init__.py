"""Stand-ins for what the plugin lives among: a homeserver, maubot, people. Small, real HTTP."""
