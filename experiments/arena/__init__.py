"""After the paper: every cell of the field under every protocol of the field, on one board. In reading order:

arena_single_module     an experiment: one layer, one operation, nine ranges; as published and tuned
arena_simple_product    another: two layers, a product of sums
arena_npu_simple        another: four outputs at once, negative inputs
arena_search            the search for the settings of the tuned column
tasks                   what is to be learnt, and by how much one may be off
entrants                who takes part, and how its publication trains it
own_cell                a cell of the user's own: imported, and looked at before anything is trained
tuned                   what the search found
networks                a Flax module as the arena trains it
scalars                 small networks written out in scalars, which is what makes them fast
elementary              cos, sin and powers in arithmetic alone
training                steps and logs of one seed, ranges side by side
report                  the board, success over the tolerance, how far it holds
published               our numbers beside those that others published
"""
