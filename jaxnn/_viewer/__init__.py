"""One HTML file in which a run is played back, and small pictures of what notebooks show."""

from .page import View as View, view_of as view_of
