"""The arms' names, which the declaration and the page share."""

USUAL, SLOW, CONTROL = "usual", "slow", "still"
