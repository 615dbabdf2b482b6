"""The networks by name. Imports no JAX, so that a command line can list them.

A new network is one file and one line here; a user's own needs no line: `--network=path/to/file.py:Class`.
"""

NETWORKS = {
    "towers": "momentum_jax.networks.towers:Towers",
    "layer_norm": "momentum_jax.networks.layer_norm:LayerNormTowers",
    "lstm": "momentum_jax.networks.lstm:LSTMTowers",
    "gru": "momentum_jax.networks.gru:GRUTowers",
}
WITH_MEMORY = ("lstm", "gru")  # those that read `lstm_size`
