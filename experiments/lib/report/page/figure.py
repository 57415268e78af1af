"""The page's figures: the drawn picture with a text for those who do not see it, and the figure's notes."""

from ..artefacts import Figure, Gallery, Panel, Picture
from .markup import folded, items, text
from .picture import as_gif, as_png

Drawn = dict[str, bytes]  # a figure's files by suffix, as `drawing.draw` gives them


def figure_html(figure: Figure | Gallery, drawn: Drawn) -> str:
    """Returns a figure; what moves is folded away, so that nothing moves unasked."""
    title, alternative = text(figure.title), text(_words(figure))
    parts = [f'<figure>\n<div class="card"><img alt="{alternative}" src="{as_png(drawn["png"])}"></div>']
    if "gif" in drawn:
        moving = f'<div class="card"><img alt="The same as an animation" src="{as_gif(drawn["gif"])}"></div>'
        parts.append(f'<div class="moving">{folded("As an animation", moving)}</div>')
    parts.append(f"<figcaption>{title}{items(figure.notes)}</figcaption>\n</figure>")
    return "\n".join(parts)


def _words(figure: Figure | Gallery) -> str:
    """Says in words what a figure shows: its axes and curves, or its pictures and their captions."""
    if isinstance(figure, Gallery):
        return ". ".join([figure.title, *map(_picture, figure.pictures)])
    return ". ".join([figure.title, *map(_picture, figure.above), *map(_panel, figure.panels)])


def _panel(panel: Panel) -> str:
    curves = dict.fromkeys(curve.label + (" (the paper)" if curve.style == "paper" else "") for curve in panel.curves)
    return f"{panel.title}: {panel.y_label} against {panel.x_label}, of {', '.join(curves)}"


def _picture(picture: Picture) -> str:
    return f"{picture.title}: {picture.caption}".replace("\n", "; ")
