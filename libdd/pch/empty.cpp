// A target needs a source; what counts is its precompiled header.
