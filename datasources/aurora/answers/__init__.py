"""Answers in the main database: proofs, and answers that may be given again."""
