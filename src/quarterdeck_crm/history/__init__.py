"""The history of a row: recorded with each change, worded for users."""
