"""The form of sentences: quantifiers, conditions, negations, and the order of words around relations."""
