"""Sketches over gRPC: the contract, a client, and a server for laptops."""
