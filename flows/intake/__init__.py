"""What people drop: found, claimed, given back, set aside."""
