"""What operators and machines ask of the process: health, metrics, errors of clients, the page shell. No chat."""
