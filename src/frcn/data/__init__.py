"""Data sets: the VOC reader, the generated shapes, and what is done to an image before a net."""
