"""Networks of policy and value, one file each."""
