"""Files of bars: formats, layouts, readers, and what to declare for a file that was refused."""
