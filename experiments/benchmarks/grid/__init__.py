"""An update of the agent of section 4.5 in the grid world."""
