"""The PostgreSQL driver: pool, transactions, sign-in, fair queueing and error mapping."""
