"""What changes by itself: WebSockets of the CRM."""
