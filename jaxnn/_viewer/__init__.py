"""One HTML file in which a run is played back."""

from .page import LIMIT as LIMIT, Member as Member, View as View, view_of as view_of
from .payload import SHOWN as SHOWN
