"""The page of a study: runs condensed into small arrays, and every table and figure made from these alone."""
