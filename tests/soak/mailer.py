"""A worker of messages for the fault tests, to be killed: `python -m tests.soak.mailer` with the suite's environment.

ZHIBU_FAULTS=resend takes the safeguard out: what was being handed over when a worker died is sent again.
"""

import datetime as dt
import os
import sys
import time

import django

LEASE_SECONDS = 2
PAUSE = 0.05


def main():
    """Write digests and send messages until killed."""
    django.setup()
    from django.conf import settings

    from branches import clock
    from rectification.models import Dispatch
    from rectification.services import digests, mailing

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    mailing.LEASE = dt.timedelta(seconds=LEASE_SECONDS)
    if os.environ.get("ZHIBU_FAULTS") == "resend":
        settle = mailing.settle_lapsed

        def careless():
            mailing._lapsed("handed").update(state="waiting", lease_until=None, handed_at=None)
            return settle()

        mailing.settle_lapsed = careless
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        digests.work(clock.now())
        mailing.work()
        Dispatch.objects.filter(state="waiting").update(available_at=None)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
