"""The queue as an SQS FIFO queue."""
