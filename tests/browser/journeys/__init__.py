"""Working days by role. Each part of a day is a function that a role walks in its own manner."""
