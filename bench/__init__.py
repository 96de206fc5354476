"""Side-by-side measurements against peers. ``python -m bench.hello`` runs one of them."""
