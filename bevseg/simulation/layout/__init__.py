"""Where everything stands: roads and ground, traffic, people, buildings and plants, drawn from one seed."""
