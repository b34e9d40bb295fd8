"""Many studies: graded by processes of their own on this machine or on a Dask cluster, then told as one."""
