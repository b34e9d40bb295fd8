"""Lessons on simulated patients: read blind, then see the truth and what the machine said."""
