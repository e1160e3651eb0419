"""Published documents looked at, put right and found again by people."""
