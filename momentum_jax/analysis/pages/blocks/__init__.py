"""Building blocks of a study's tables and figures; they take the names of parts and arms as arguments."""
