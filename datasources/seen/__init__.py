"""What is told of the service to those who run it: lines of logs, and metrics within them."""
