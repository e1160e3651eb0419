"""Parts of the page that are read a second time, by themselves."""
