"""Problems: the unknown causes of incidents."""
