"""From stored records to tables, figures, claims and pages; what a section's own report needs of it stands here."""

from .artefacts import Curve as Curve
from .artefacts import Figure as Figure
from .artefacts import Gallery as Gallery
from .artefacts import Panel as Panel
from .artefacts import Picture as Picture
from .artefacts import Quantity as Quantity
from .artefacts import Table as Table
from .artefacts import View as View
from .artefacts import quantities_of as quantities_of
