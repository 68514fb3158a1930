"""Random pairs of real strongSwan gateways: what dpdlab says of them against what they log.

    python -m tests.trials 48 --seed 1 --jobs 4

Each trial draws an IKE version, timers, traffic and a fault, runs for a minute or so, and is told
by the capture of one end alone, and with the logs of both. Every verdict that no gateway logged is
a failure, and every logged one that is missing with the logs. As root; not a part of `make test`.
"""
