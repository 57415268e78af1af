"""Section 4.4: running little programs on integers (Figures 4 and 6). In reading order:

program_evaluation    the experiment: the question, its settings, its runs
programs              additions, and programs with if, + and -; their exact values
digit_match           the score: the percentage of digits that agree
networks              a cell that reads a program and answers at its end
dnc, ugrnn            two of the cells, as in their papers; the NALU that an LSTM configures is in `lib.networks`
recipes               how each network is trained
training              updates and evaluations of one seed
report                Figures 4 and 6 and their numbers, from stored records
"""
