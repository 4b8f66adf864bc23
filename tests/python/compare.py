#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""compare.py EXPLAINED HOST.xml MOAT.xml: the results of one module of CPython's tests, test by test.

Prints what differs; differences that EXPLAINED knows are marked with their reason. Status 0: no others.

A line of EXPLAINED is a pattern and a reason. The pattern is matched with the name of the test, or, after "text:", as a
regular expression with what the failed or skipped test said in Moat.
"""
import fnmatch
import re
import sys
import xml.etree.ElementTree as tree

WORST = ["ok", "skipped", "failure", "error"]


def results(path):
    """Name to (result, text); a test with subtests has the worst of theirs."""
    found = {}
    for case in tree.parse(path).iter("testcase"):
        result, text = "ok", ""
        for part in case:
            if part.tag in WORST:
                result, text = part.tag, (part.text or "") + (part.get("message") or "")
        name = case.get("name")
        old = found.get(name, ("ok", ""))
        if WORST.index(result) >= WORST.index(old[0]):
            found[name] = result, text
    return found


def reason(explained, name, text):
    for pattern, why in explained:
        if pattern.startswith("text:"):
            if re.search(pattern[5:], text):
                return why
        elif fnmatch.fnmatchcase(name, pattern):
            return why
    return None


def main():
    explained = [re.split(r'\t+', line, maxsplit=1) for line in open(sys.argv[1]) if line.strip() and line[0] != "#"]
    host, moat = results(sys.argv[2]), results(sys.argv[3])
    bad = 0 if host else 1
    for name in sorted(host.keys() | moat.keys()):
        there, (here, text) = host.get(name, ("missing", ""))[0], moat.get(name, ("missing", ""))
        if there == here:
            continue
        why = reason(explained, name, text)
        bad += why is None
        print(f"{name}: {there} on the host, {here} in Moat: {why.strip() if why else text[-600:]}")
    print(f"{len(host)} tests")
    sys.exit(bad != 0)


main()
