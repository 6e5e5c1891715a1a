"""Who labels points where nobody measured: networks and kernel collocation."""
