"""What a source says before any data: its bundle of files, its claims, and the priors that its hedging words imply."""
