"""Heights, extents, areas and volumes, measured on label volumes."""
