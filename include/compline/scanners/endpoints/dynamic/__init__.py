"""Generated requests to endpoints, by schemathesis behind a gateway of ours."""
