"""Compiled plans: operations that are executed level by level, from the declarations of fields."""
