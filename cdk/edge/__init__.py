"""The edge in front of the gateway: CloudFront and its firewall."""
