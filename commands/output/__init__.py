"""What commands print: tables, progress and reports."""
