"""The order list as others would serve it; ``bench.orders`` starts these."""
