"""Full-text search over the rows of the CRM."""
