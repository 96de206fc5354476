"""The web layer that all pages share: converters, filters, headers, navigation, probes."""
