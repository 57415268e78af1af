"""Section 4.5: an agent that is told when to arrive (Figure 5). In reading order:

tracking_time         the experiment: the question, its settings, its runs
tracking_time_cells   the same with every cell of the field in the place of the NAC
world                 the grid world: where everybody is, a step, what is seen, what it is worth
agent                 vision, an LSTM, and the NAC that keeps a count
actor_critic          advantages and loss, as in their papers
episodes              lets an agent play: many episodes to learn from, or one to be looked at
training              updates and evaluations of one seed
report                Figure 5 and its numbers, from stored records
play                  an agent at work in the terminal
"""
