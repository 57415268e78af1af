"""A step of the convolutional network of section 4.2."""
