"""Section 4.3: from number words to numbers (Table 3, Figure 3). In reading order:

language_to_numbers    the experiment: the question, its settings, its runs
language_search        the experiment beside it: the search for the settings that Table 3 uses
language_readings      the study beside it: which reading of the text brings the paper's nine numbers?
language_cells         the study beside it: every cell of the field in the place of the NALU
words                  the numbers in words, their splits, and the queries of Figure 3
trie                   runs a network over many numbers at once, each common beginning once
networks               the paper's LSTM with a layer on it, and a NALU that an LSTM configures
recipes                what the search found: the settings of each row and unit
training               updates and evaluations of one seed; units and splits side by side
report                 Table 3, Figure 3 and their numbers, from stored records
"""
