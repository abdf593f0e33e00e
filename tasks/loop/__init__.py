"""What happens after training: new data scored, drift looked for, a challenger trained, the better one in use."""
