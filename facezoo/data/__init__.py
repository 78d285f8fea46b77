"""Data sets as sources of images and identities: reading, writing, ordering, augmenting, loading."""
