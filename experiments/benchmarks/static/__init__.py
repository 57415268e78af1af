"""A step of the paper's NALU on the static task of section 4.1."""
