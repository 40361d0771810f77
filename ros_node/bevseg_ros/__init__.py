"""The ROS 2 node of bevseg: a cloud in, objects and maps out, and an account of every cloud."""
