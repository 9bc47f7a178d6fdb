"""The application: wiring, the pipeline, the scheduler, the command line and the console."""
