"""The page of a study: runs condensed into small arrays, and every table, figure and number made from these alone."""
