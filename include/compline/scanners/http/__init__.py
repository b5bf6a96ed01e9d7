"""The one way to ask a service over HTTP: reading calls within bounds on calls, bytes and time."""
