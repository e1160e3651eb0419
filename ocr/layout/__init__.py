"""Where things stand on the page: rules, tables, zones in reading order."""
