"""Section 4.6: counting the even digits of an image (Table 4). In reading order:

mnist_parity            the experiment: the question, its settings, its runs, the training of one seed
mnist_parity_cells      the same with every cell of the field as the last layer
mnist_parity_readings   the study beside it: does a plain training bring the paper's order of the layers?
scenes                  images of up to five digits, each drawn from its key
networks                a convolutional network, and last layers from affine to NAC; its accuracy
report                  Table 4 and its figures, from stored records
"""
