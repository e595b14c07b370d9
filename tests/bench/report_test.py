#!/usr/bin/env python3
"""What ./dev bench --compare calls a regression."""

import sys
import tempfile
import unittest
from pathlib import Path

import bench
import report
import rows
import world


def row(measured, **changes):
    return report.entry(rows.Row(**{"name": "n", "what": "a row", "measured": measured, "unit": "ms", "limit": 100,
                                    "tolerance": 0.25, **changes}))


def result(*entries):
    return {"date": "2001-02-03", "machine": {"cores": 2, "memoryGB": 8, "architecture": "x"}, "quick": False,
            "rows": list(entries)}


class Regressions(unittest.TestCase):
    def found(self, before, after):
        return report.regressions(result(before), result(after))

    def test_what_grew_beyond_its_tolerance_is_one(self):
        self.assertEqual(len(self.found(row(10), row(13))), 1)
        self.assertIn("13 ms, was 10 ms", self.found(row(10), row(13))[0])

    def test_what_grew_within_its_tolerance_is_none(self):
        self.assertEqual(self.found(row(10), row(12)), [])

    def test_what_got_better_is_none(self):
        self.assertEqual(self.found(row(10), row(1)), [])

    def test_of_a_speed_less_is_worse(self):
        self.assertEqual(len(self.found(row(400, at_least=True), row(200, at_least=True))), 1)
        self.assertEqual(self.found(row(400, at_least=True), row(800, at_least=True)), [])

    def test_a_count_has_no_tolerance(self):
        self.assertEqual(len(self.found(row(1, tolerance=0), row(2, tolerance=0))), 1)
        self.assertEqual(self.found(row(1, tolerance=0), row(1, tolerance=0)), [])

    def test_a_row_that_no_longer_reaches_its_limit_is_one(self):
        self.assertEqual(len(self.found(row(98), row(101))), 1)

    def test_what_was_not_measured_before_is_none(self):
        self.assertEqual(report.regressions(result(), result(row(1000))), [])

    def test_a_row_about_less_data_is_another_one(self):
        self.assertEqual(self.found(row(1), row(1000, what="a row, quick")), [])


class Program(unittest.TestCase):
    """The whole program, with a row that measures nothing."""

    def run_with(self, measured, *options):
        rows.ALL["constant"] = lambda _: iter([rows.Row("constant", "a constant", measured, "ms", 100)])
        arguments = ["./dev bench", "--only", "constant", "--out", f"{self.folder.name}/out.json", *options]
        previous, sys.argv = sys.argv, arguments
        output, sys.stdout, sys.stderr = sys.stdout, open("/dev/null", "w"), open("/dev/null", "w")
        try:
            return bench.main()
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.close()
            sys.argv, sys.stdout, sys.stderr = previous, output, sys.__stderr__
            del rows.ALL["constant"]

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.folder.cleanup()

    def test_a_regression_is_its_exit_code(self):
        self.assertEqual(self.run_with(10), 0)
        earlier = Path(self.folder.name) / "earlier.json"
        earlier.write_text((Path(self.folder.name) / "out.json").read_text())
        self.assertEqual(self.run_with(11, "--compare", str(earlier)), 0)
        self.assertEqual(self.run_with(20, "--compare", str(earlier)), 1)

    def test_the_file_is_not_compared_with_itself(self):
        self.assertEqual(self.run_with(10), 0)
        self.assertEqual(self.run_with(20, "--compare", f"{self.folder.name}/out.json"), 1)


class Table(unittest.TestCase):
    def test_says_what_is_reached_and_where_it_was_measured(self):
        text = report.table(result(row(10), row(200)))
        self.assertIn("| a row | 10 ms | ≤ 100 ms | ok |  |", text)
        self.assertIn("| a row | 200 ms | ≤ 100 ms | not reached |  |", text)
        self.assertIn("2001-02-03, 2 cores, 8 GB", text)


class Sandbox(unittest.TestCase):
    """A real agent on the sandbox, where both are built: the measuring itself."""

    @unittest.skipUnless((world.BINARIES / "runtime-agent").exists(), "no agent is built")
    def test_measures_an_agent_that_synchronises(self):
        sandbox, shared = world.Sandbox(), rows.Bench(True, None, None)
        try:
            sandbox.generate(3)
            sandbox.configure()
            with world.Agent(sandbox, sandbox.kubeconfig, **shared.keys()) as agent:
                ended = world.ApiServer(sandbox.kubeconfig).wait_until_synchronized(agent, 60)
                self.assertGreater(ended, agent.begun)
                self.assertGreater(agent.cpu(), 0)
                self.assertGreater(agent.peak_resident(), 1_000_000)
                self.assertLessEqual(agent.time_of("a certificate is in use"), agent.time_of("brought the cluster in line"))
                self.assertGreaterEqual(sandbox.director_queries(), 1)
            self.assertEqual(len(world.ApiServer(sandbox.kubeconfig).list(world.APPLICATIONS)), 3)
        finally:
            shared.close()
            sandbox.close()


if __name__ == "__main__":
    done = unittest.main(exit=False, verbosity=1).result
    bad = len(done.failures) + len(done.errors)
    for test, _ in done.failures + done.errors:
        print(f"FAILED {test}")
    print(f"{done.testsRun - bad} passed, {bad} failed")
    sys.exit(1 if bad else 0)
