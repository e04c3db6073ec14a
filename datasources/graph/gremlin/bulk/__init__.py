"""Neptune's bulk load: CSV files in a bucket, and the loader that reads them."""
