"""Faithfulness: changed sentences of runbooks, and the shares of them that the rules of answers reject."""
