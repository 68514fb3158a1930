"""Speed and memory of the report, measured beside tcpdump and tshark on generated captures."""
