"""Referrals through the interactions, over HTTP, and as the table says."""
