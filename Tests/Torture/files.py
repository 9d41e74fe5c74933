from common import Unavailable


def run(context):
    raise Unavailable("not written")
