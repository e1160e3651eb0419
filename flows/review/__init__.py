"""The review page: published documents beside their scans, to be looked at, mended and found."""
