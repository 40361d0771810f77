"""`python -m bevseg_ros`: the node, from pip alone."""

from bevseg_ros.main import main

if __name__ == "__main__":
    main()
