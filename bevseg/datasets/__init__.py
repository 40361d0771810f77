"""Labelled scans from driving datasets, as samples in one convention."""
