"""Measures the product against its peers on the machine at hand; never imported by it."""
