"""What people change in a published document: made, undone, made again, and found in a document that is read anew."""
