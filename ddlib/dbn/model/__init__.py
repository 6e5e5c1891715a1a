"""Linear-Gaussian dynamic Bayesian networks: structure and parameters, exact law, fit to complete data, random networks."""
