"""What copies of one snapshot must not have in common: made anew in each, after it is restored and before its calls.

SnapStart resumes many instances from the memory of one, so whatever was drawn before is drawn again by all of them.
https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
"""

import os
import random
import ssl

from uuid_utils import reseed_rng

SEED_BYTES = 32


def register_restore_hook() -> None:
    """Have AWS's runtime call `anew` after each restore. It comes with the runtime and stands in no lock of ours."""
    from snapshot_restore_py import register_after_restore  # type: ignore[import-not-found]

    register_after_restore(reseed_generators)


def reseed_generators() -> None:
    """Seed every generator that lives in this process from the machine's own, which AWS keeps apart.

    Pauses and ids of masks come from `random`; ids of requests and of all that is written from `uuid_utils`, whose
    generator is its own; keys of TLS from OpenSSL. `secrets` keeps nothing and asks the machine each time.
    Nothing else is there to be renewed: sources are opened by the first call, so no socket, credential, breaker or
    time of theirs is older than the restore. tests/lambda_/test_snapshots.py holds both.
    """
    random.seed()
    reseed_rng()
    ssl.RAND_add(os.urandom(SEED_BYTES), SEED_BYTES)
