"""The running service: its Prefect server, its watcher, what it leaves and what it shows in the UI."""
