"""The machine: files, locks, mounts, processes. Knows nothing of scans."""
