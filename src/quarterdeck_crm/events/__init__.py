"""Live events, published by services after the commit."""
