"""Repairs that a rule makes, not the language model."""
