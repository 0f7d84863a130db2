"""The roles that a plugin can have: each makes an export of the component out of the author's function."""
