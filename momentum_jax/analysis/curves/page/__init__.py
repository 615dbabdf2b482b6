"""An analysis of dips as a person reads it: in the terminal, as pictures, and as a page in the report's form."""
