"""What a correction is called: it stays with the reader and the channel of the wrong message."""

KIND = "correction"
