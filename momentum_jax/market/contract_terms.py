"""Terms of the option contracts, shared by the tables of premiums and by the environment's pricing. Imports nothing."""

RISK_FREE_RATE = 0.04  # a year
YEARS_TO_EXPIRY = 1.0 / (252 * 6.5)  # one trading hour
MIN_PREMIUM = 0.01  # dollars a share
