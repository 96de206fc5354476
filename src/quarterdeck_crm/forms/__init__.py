"""Parts that the forms of all packages share."""
