"""Where the outside comes in: settings, composition, HTTP, worker, scheduler, command line."""
