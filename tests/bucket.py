"""An S3 server of our own: moto's, in a process of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import pytest


@contextmanager
def running_bucket() -> Iterator[str]:
    """A server with an empty bucket, which the environment leads to; yields the bucket's address.

    The test is skipped where buckets' packages are not installed.
    """
    pytest.importorskip("s3fs", reason="buckets need s3fs, which ./run test installs")
    pytest.importorskip("moto", reason="tests of buckets need moto, which ./run test installs")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "knows",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    try:
        _wait_for(port, server)
        with mock.patch.dict(os.environ, environment):
            yield make_bucket()
    finally:
        server.kill()
        server.wait()


def make_bucket() -> str:
    """Make a new bucket on the server that the environment leads to; its address."""
    import s3fs

    name = f"nambat-{secrets.token_hex(4)}"
    s3fs.S3FileSystem(skip_instance_cache=True).call_s3("create_bucket", Bucket=name)
    return f"s3://{name}"


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, "the S3 server ended"
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the S3 server does not answer")
