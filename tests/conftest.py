"""What holds for all tests."""

import contextlib
import signal

# Started in the background we may ignore Ctrl-C, and would hand that on: what a test starts and interrupts would not end.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)
