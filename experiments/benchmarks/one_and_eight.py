"""The table of a benchmark that trains one network, and eight: each beside PyTorch's best with as many."""

from typing import NamedTuple

from .measuring import MEDIANS, Rounds, fastest, ratio, told


class OneAndEight(NamedTuple):
    """What such a table needs to know of its programs.

    Attributes:
      torch: programs of PyTorch with one network, and with eight; the first is the plain loop.
      ours: our program with one network, and with eight.
      others: further programs that have eight networks.
      counted: what one network is called and what eight are.
    """

    torch: tuple[tuple[str, ...], tuple[str, ...]]
    ours: tuple[str, str]
    others: tuple[str, ...]
    counted: tuple[str, str]

    def best_of_torch(self, measured: Rounds, *, eight: bool) -> str:
        """Returns the fastest program of PyTorch with as many networks."""
        return fastest(measured, self.torch[eight])

    def lines(self, measured: Rounds) -> list[tuple[str, ...]]:
        """Returns each program's rate, and that rate as a multiple of the plain loop's and of PyTorch's best."""
        many = {*self.torch[True], self.ours[True], *self.others}
        best = {eight: self.best_of_torch(measured, eight=eight) for eight in (False, True)}
        return [
            (
                name,
                told(measured, name),
                f"{ratio(measured, name, self.torch[False][0]):.2f}",
                f"{ratio(measured, name, best[name in many]):.2f}",
            )
            for name in measured
        ]

    def remarks(self, measured: Rounds) -> list[str]:
        """Returns how the table is to be read, and whether ours is ahead of PyTorch with one network and with eight."""
        remarks = [f"{MEDIANS}; `x best`: to the best program of PyTorch with as many networks."]
        for eight, (ours, counted) in enumerate(zip(self.ours, self.counted, strict=True)):
            best = self.best_of_torch(measured, eight=bool(eight))
            ahead = ratio(measured, ours, best)
            reached = "reached" if ahead > 1 else "not reached"
            remarks.append(f"Aim {eight + 1}, ahead of PyTorch at {counted} ({best}): {reached} ({ahead:.2f} times).")
        return remarks
