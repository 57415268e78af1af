"""Section 1.1: networks of common nonlinearities do not learn the identity beyond the range they were trained on.

identity            Figure 1: the paper's nonlinearities, and our columns
identity_readings   which unstated setting brings the heights and the labels of Figure 1
training            how the networks of one seed learn, one after the other
"""
