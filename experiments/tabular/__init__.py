"""Tables of numbers: which model for rows inside of what is known, and which beyond (ours, not in the paper).

In reading order:

    tabular           the experiment on one table, the user's own or the shipped one: folds, and beyond an edge
    tabular_tables    the same beyond the edges of further real tables
    tabular_formulas  closed formulas of physics, learnt in a corner of their box
    table_file        reads a file: separator, decimal mark, encoding, Parquet
    columns           which columns are used, and what is done to them
    shipped           the tables that come with the project, and where they are from
    physics           the formulas
    splits            rows to train on and rows to test on
    models            every model, tuned inside the training rows
    scores            errors, intervals, paired differences
    report            tables, figures, and what they say in words
"""
