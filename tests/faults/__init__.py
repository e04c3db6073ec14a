"""The whole service while its stores and processes are killed, beside a plain model of what it must hold."""
