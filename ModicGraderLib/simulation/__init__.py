"""A lumbar spine, its tissues, its lesions and an MR scanner."""
