"""ROS messages to our types, by the fields and bytes that they have: pure, without ROS."""
