"""Step 4: AutoML on this machine, with CreateAutoMLJob's request and DescribeAutoMLJob's response."""
