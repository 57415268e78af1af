"""Networks that several sections use.

mlp                perceptrons with PyTorch's nonlinearities and start (1.1, 4.1)
convnet            small convolutional networks (4.2, 4.6)
convolution        their convolution, as one matrix product where that is faster
configured_nalu    the NALU that an LSTM configures (4.3, 4.4)
"""
