"""What stands before the gateway: CloudFront and its firewall."""
