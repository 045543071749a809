from weft.codeserver.loader import load_target
from weft.codeserver.target import FileTarget

(here / "broken.py").write_text("import wft\n")  # noqa: F821  # given by the test
load_target(FileTarget(file=here / "broken.py"))  # noqa: F821  # given by the test
