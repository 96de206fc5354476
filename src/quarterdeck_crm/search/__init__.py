"""Full-text search over the rows of the CRM, and the keys of likely duplicates."""

from . import duplicate_index as duplicate_index  # it follows every flush, whoever imports a part
