"""Documents of a company, read into articles."""
