"""The optimisers by name. Imports no JAX, so that a command line can list them.

A name stands for a function of `learning_rate`, and of `eps` where it has one, that makes an
`optax.GradientTransformation`. One of optax's own needs no line, `--optimizer=optax:lion`, and a user's own neither:
`--optimizer=path/to/file.py:function`.
"""

OPTIMIZERS = {
    "adam": "momentum_jax.ppo.optimizers:adam",
    "adamw": "optax:adamw",
    "rmsprop": "optax:rmsprop",
    "sgd": "optax:sgd",
}
WITH_EPS = ("adam", "adamw", "rmsprop")  # those that read `adam_eps`
