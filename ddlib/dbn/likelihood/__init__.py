"""What incomplete, noisy measurements say of a network: likelihood, EM, Fisher information, forecasts."""
