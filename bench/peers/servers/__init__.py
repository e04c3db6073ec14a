"""The Python servers among the contenders. They run in `.venv-bench` and import nothing of the product."""
