"""The lists of records, as bulk changes and exports select from them."""
