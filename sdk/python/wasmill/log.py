"""Lines in the host's log, cut at 8 KiB."""

from wasmill.host import host


def trace(message: object) -> None:
    host.log_write("trace", str(message))


def debug(message: object) -> None:
    host.log_write("debug", str(message))


def info(message: object) -> None:
    host.log_write("info", str(message))


def warn(message: object) -> None:
    host.log_write("warn", str(message))


def error(message: object) -> None:
    host.log_write("error", str(message))
