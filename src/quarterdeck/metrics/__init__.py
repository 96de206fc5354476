"""Metrics for Prometheus: requests, rooms and event loop, summed over the workers of a host.

Import this package before you make metrics with ``prometheus_client``: then the workers of a
supervisor share them too.
"""

from __future__ import annotations

from quarterdeck._extras import needs as _needs

_needs("metrics", "prometheus_client")

from quarterdeck._measurements import Measurement

from .extension import Metrics

__all__ = ["Measurement", "Metrics"]
