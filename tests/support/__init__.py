"""What several tests need: services, servers, clients. No tests."""
