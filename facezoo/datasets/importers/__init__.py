"""Importers: one file per layout of published data sets."""
