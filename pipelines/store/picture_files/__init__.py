"""Strangers' picture files: bounded before they are unpacked, unpacked in a confined child, plain pixels afterwards.

`trimming` cuts a file down to what its pixels need, `decoding` unpacks that within a bounded memory, `child` does so in
a process of its own and `reader` is the studio's end of it.
"""
