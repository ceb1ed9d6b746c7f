"""How long anything is waited for on this machine before it is given up, however busy it is."""

SECONDS_MAX = 240
