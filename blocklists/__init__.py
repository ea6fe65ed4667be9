"""From judged sites to published lists: select, guard, collapse, render, release."""
