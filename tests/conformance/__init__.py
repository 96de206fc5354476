"""Test suites of others, run by hand: Autobahn's for WebSockets, Flask's and Quart's own."""
