"""Neptune bulk load: CSV files in a bucket, and the client of the Neptune loader."""
