"""A step of the LSTM-configured NALU of section 4.4 on little programs."""
