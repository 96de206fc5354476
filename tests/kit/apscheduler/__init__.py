"""Tests of ``quarterdeck.apscheduler``."""
