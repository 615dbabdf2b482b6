"""Networks of policy and value, one file each, found by name in `networks.table`."""
