"""The momentum environment: options (no JAX), pure rules, observation layout and a thin gymnax shell."""
