"""Where artifact content is kept beside this clone: one interface, one module for each kind of place."""
