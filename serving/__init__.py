"""Servers of sketches, and how they are deployed; the client's command."""
