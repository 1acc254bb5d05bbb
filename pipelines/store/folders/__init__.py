"""Folders of other programs, whose pictures are found in place: nothing is ever written, moved or deleted there."""
