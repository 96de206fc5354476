"""The study notes that the project began with, chapter by chapter, ported and run."""
