"""SnapStart after-restore hook: reseeds `random`, `uuid_utils` and OpenSSL.

SnapStart resumes many instances from the memory of one, so without new seeds all would generate the same numbers.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""

import os
import random
import ssl

from uuid_utils import reseed_rng

SEED_BYTES = 32


def register_restore_hook() -> None:
    """Register `reseed_generators` to run after each restore. The package is part of the runtime, not of our locks."""
    from snapshot_restore_py import register_after_restore  # type: ignore[import-not-found]

    register_after_restore(reseed_generators)


def reseed_generators() -> None:
    """Seed every random generator of this process from the operating system, which AWS keeps unique.

    `random` generates pauses and ids of masks; `uuid_utils`, with a separate generator, ids of requests and rows;
    OpenSSL, TLS keys. `secrets` has no state and always uses the operating system. Nothing else needs a renewal: the
    first call opens the sources, so no connection, credential, breaker or time is older than the restore.
    tests/lambda_/test_snapshots.py checks both.
    """
    random.seed()
    reseed_rng()
    ssl.RAND_add(os.urandom(SEED_BYTES), SEED_BYTES)
