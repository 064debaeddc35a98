"""The static site: gather, template, pages, write."""
