"""What may pass in VPCs, tried with packets on a real engine."""
