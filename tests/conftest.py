"""What holds for all tests."""

import contextlib
import signal

# Started in the background or under nohup we may ignore signals, and would hand that on: what a test starts and tells to end would
# not end.
for number, handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) == signal.SIG_IGN:
        with contextlib.suppress(ValueError):  # not in the main thread
            signal.signal(number, handler)
