"""The only package that builds gRPC servers and channels.

It contains status mapping, deadlines, health, reflection and metrics.
"""
