"""Counting corpora: `inputs` finds files, `records` reads them, `count` counts all, `sample` a part."""
