"""`python -m soak`."""

from soak.runner import main

raise SystemExit(main())
