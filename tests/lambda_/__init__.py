"""The functions as AWS runs them: the bundle, unfolded, on AWS's own runtime client, with real stores behind it."""
