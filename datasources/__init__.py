"""Where facts live: stores, the queue, files and the records read from them."""
