"""Messages of the services, by package and version."""
