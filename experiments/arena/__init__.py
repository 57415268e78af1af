"""After the paper: every cell of the field under every protocol of the field, on one board. In reading order:

arena_single_module        an experiment: one layer, one operation, nine ranges; as published and tuned
arena_single_module_10     the same with ten inputs, of which two count
arena_simple_product       another: two layers, a product of sums
arena_arithmetic_function  another: two layers, two sums over parts of a hundred inputs
arena_arithmetic_ranges    its product in seven ranges
arena_minimal_arithmetic   another: one layer, fixed rows, iNALU's own training
arena_npu_simple           another: four outputs at once, negative inputs
arena_search               the search for the settings of the tuned columns
single_module              what the single module of two inputs and that of ten share
ten_inputs                 how cells are trained on ten inputs
arithmetic_function        what the two experiments of a hundred inputs share
minimal_arithmetic         who takes part in minimal arithmetic, and how each is trained
npu_simple                 the networks of the power unit's simple task
tasks                      what is to be learnt, and by how much one may be off
entrants                   who takes part, and how its publication trains it
own_cell                   a cell of the user's own: imported, and looked at before anything is trained
columns                    as published and tuned: their runs, grids, files
searched                   the tasks for which settings are searched, all side by side
tuned                      what the search found
inalu_of_positive          the iNALU of positive inputs, without the product of their signs
layers_of_heim             layers of the power unit's simple task that only its authors' code has
networks                   a Flax module as the arena trains it
scalars                    small networks written out in scalars, which is what makes them fast
elementary                 cos, sin and powers in arithmetic alone
training                   steps and logs of one seed, ranges side by side
in_turns                   iNALU's own steps: weights and gates in turn, starts anew
report                     the board, success over the tolerance, how far it holds
published                  our numbers beside those that others published
"""
