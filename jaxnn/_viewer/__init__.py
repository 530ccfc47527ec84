"""One HTML file in which a run is played back."""

from .page import LIMIT as LIMIT, View as View, view_of as view_of
