"""Stand-ins for what the plugin works with: a homeserver, maubot, people. Small, real HTTP."""
