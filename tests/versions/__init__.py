"""The oldest and the newest versions of the dependencies that the kit is tested with."""
