"""Files in, files out: the third room. Prefect flows, the watched inbox, publishing and the command line."""
