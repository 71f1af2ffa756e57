"""Errors a user can act on: each says what, the value, what is allowed, and the next step."""

from __future__ import annotations


class IcpError(ValueError):
    """A sentence for the user; the command line prints it and exits with `exit_code`."""

    exit_code = 2


class InputError(IcpError):
    """A file, column or setting cannot be read or used as it is."""


class SettingsError(IcpError):
    """A setting is unknown, out of range, or contradicts another."""


class ModelFormatError(IcpError):
    """A model directory is incomplete, altered, or written by a newer version."""


class MissingDependencyError(IcpError, ImportError):
    """An optional package is needed for what was asked."""


class TrainingRefused(IcpError):
    """The input is valid, but the honest answer is no (command line: exit 1)."""

    exit_code = 1
