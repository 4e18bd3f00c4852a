"""What is known beside a record: tables, networks, browsers, the machine and the pod that it comes from."""
