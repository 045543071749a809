"""For tests of projects that use weft: contexts for direct calls, a virtual clock."""
