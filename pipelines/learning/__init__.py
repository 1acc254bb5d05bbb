"""One way in which everything here learns: a task and a recipe go in, a stream of events comes out.

    training = Training(task, Recipe(steps=2000))
    for event in training.run():
        ...

`task.py` says what is learned, `training.py` has the only loop, `moments.py` the order of data and all dice,
`checkpoints.py` what lies on the disk, `wishes.py` what may be asked of a training that runs.
"""
