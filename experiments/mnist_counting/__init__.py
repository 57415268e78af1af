"""Section 4.2: counting and adding MNIST digits in series (Table 2). In reading order:

mnist_counting         the experiment: the question, its settings, its runs, the training of one seed
mnist_counting_cells   the same with every cell of the field in the place of the NAC
series                 series of images: what they should be answered with, test series, measures
networks               a convolutional network for each image, and a cell over the series
report                 Table 2 and its figures, from stored records
"""
