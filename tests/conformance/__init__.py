"""Test suites of others, run by hand: Autobahn's for WebSockets, and Flask's own."""
