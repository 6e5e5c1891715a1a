"""Networks, structures and patient levels estimated from hospitals."""
