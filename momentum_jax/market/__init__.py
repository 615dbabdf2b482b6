"""Bars from files, vendors or a synthetic market: checked, cut into sessions and segments, made into features."""
