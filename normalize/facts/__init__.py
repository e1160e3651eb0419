"""The facts of a document (Decree 30/2020/NĐ-CP): right, or left open and said."""
