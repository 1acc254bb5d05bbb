"""What a stranger's picture is read as."""

PICTURE, MASK, CLEAR = "picture", "mask", "clear"
"""A picture, on white where it is transparent; a mask, white where it is white and opaque; or a mask that is white
where the file is transparent."""
