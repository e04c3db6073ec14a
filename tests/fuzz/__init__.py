"""Everything that is sent, generated: no request, event, alert or import breaks the service for the others."""
