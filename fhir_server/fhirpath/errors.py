"""What is wrong with an expression, and where."""


class FhirPathError(Exception):
    """An expression that cannot be compiled, or that broke a rule of the language while it ran.

    `text` and `at` are filled in by the outermost caller that knows them, so that a message always names
    the line and the column.
    """

    def __init__(
        self, problem: str, at: int | None = None, text: str | None = None, *, costly: bool = False
    ) -> None:
        """costly: the expression is right, and asks for more than it may."""
        super().__init__(problem)
        self.costly = costly
        self.problem = problem
        self.at = at  # offset in `text`; None: the expression as a whole
        self.text = text

    @property
    def line(self) -> int:
        return 1 if self.at is None or self.text is None else self.text.count("\n", 0, self.at) + 1

    @property
    def column(self) -> int:
        if self.at is None or self.text is None:
            return 1
        return self.at - self.text.rfind("\n", 0, self.at)

    def located(self, text: str, at: int = 0) -> "FhirPathError":
        """Itself, with the expression and, when it has no position yet, the position `at`."""
        if self.text is None:
            self.text = text
            self.at = at if self.at is None else self.at
        return self

    def __str__(self) -> str:
        if self.text is None:
            return self.problem
        return f"{self.problem} (line {self.line}, column {self.column})"
