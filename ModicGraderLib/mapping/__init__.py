"""Voxel-wise Modic map: the patient's own marrow as reference, signal rules, and what they say of each voxel."""
