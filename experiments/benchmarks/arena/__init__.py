"""A step of small cells on the arena's single module: ranges and seeds side by side."""
