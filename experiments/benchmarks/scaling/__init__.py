"""Whole experiments on more and more seeds and devices."""
