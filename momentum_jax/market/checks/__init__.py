"""Whether bars are what they seem: gaps, clock, strikes, and the report on them."""
