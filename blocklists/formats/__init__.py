"""One list format a file; `blocklists.registry.formats()` finds them."""
