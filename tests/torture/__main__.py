"""`python -m torture`."""

from torture.runner import main

raise SystemExit(main())
