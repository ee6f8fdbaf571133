"""What streams to the browser over websockets: fragments of the same templates that render the pages."""
