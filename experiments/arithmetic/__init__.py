"""Section 4.1: arithmetic learnt from sums of inputs, alone and over time (Table 1). In reading order:

static_arithmetic       the experiment: a and b sum inputs, y is an operation of them; does it extrapolate?
recurrent_arithmetic    the experiment: the same over time, learnt on 10 steps and asked on 1000
arithmetic_readings     the study beside them: which reading of the text makes the paper's numbers come out?
tasks                   the operations, and what is drawn of them: a seed's own task, items inside and outside
networks                two layers of a cell, perceptrons, sums over time, the usual recurrent cells
recipes                 how each network is trained: its start, its optimiser, its schedule
training                updates, evaluations and the polish of one seed
least_squares           the polish: Levenberg-Marquardt for the last digits
scores                  the paper's score, from stored errors
"""
