"""SOQL: queries read, and what is wrong with them."""
