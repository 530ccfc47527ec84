"""Readers of data sets in their owners' official layouts. Nothing is ever downloaded."""

from ._folder import data_folder as data_folder
from ._idx import mnist as mnist, read_idx as read_idx
