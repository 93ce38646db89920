"""Designs: forms and indicators that keepers declare in the browser, kept as versions and made known to every process."""
