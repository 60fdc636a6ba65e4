namespace Sluice.Executors;

/// <summary>The kinds of messages of a remote execution.</summary>
/// <remarks>
/// A message is its kind, one byte, and the content. Numbers have 8 bytes, little endian; texts are UTF-8 after their length, 4 bytes.
/// docs/writing-an-executor.md describes the messages for authors of other sides: change both together.
/// </remarks>
internal enum CallFrame : byte
{
    /// <summary>To the function: the plan of the call, as JSON (<see cref="CallPlan"/>).</summary>
    Plan = 32,

    /// <summary>To the function: some choices of earlier starts.</summary>
    Choices,

    /// <summary>To the function: begin.</summary>
    Begin,

    /// <summary>To the function: stop.</summary>
    Cancel,

    /// <summary>To the function: the number of a question, and its answer.</summary>
    Answer,

    /// <summary>To the function: the number of a question, and why it failed (<see cref="CallFailure"/>).</summary>
    Refusal,

    /// <summary>To the function: an action without an answer has failed (<see cref="CallFailure"/>); no more output is possible.</summary>
    Fault,

    /// <summary>To the function: an output, and the number of values and bytes taken over.</summary>
    Credit,

    /// <summary>
    /// From the function: question, input, where to begin, whether it counts, chooser, whether the position is a replayed choice,
    /// that position, whether the function knows traces of values (older ones do not say it). The answer has the reader's number and its
    /// position.
    /// </summary>
    Open = 64,

    /// <summary>
    /// From the function: question, reader, whether it reads ahead, while it works (older ones do not say it). The answer has flags (1: the
    /// stream is complete, 2: the values have headers), and values: sequence, generation, length and payload; with
    /// headers, these follow after their length.
    /// </summary>
    Read,

    /// <summary>From the function: question, reader to release.</summary>
    Release,

    /// <summary>From the function: question, and the state to save.</summary>
    Save,

    /// <summary>From the function: reader, delivered position, passed position.</summary>
    At,

    /// <summary>From the function: all delivered values were processed; and whether the next value is not at hand.</summary>
    Reach,

    /// <summary>From the function: the kind of choice, the chooser, and the choice.</summary>
    Chosen,

    /// <summary>From the function: an output, and a payload.</summary>
    Put,

    /// <summary>From the function: the function has returned.</summary>
    Done,

    /// <summary>From the function: the function has failed (<see cref="CallFailure"/>).</summary>
    Failed,

    /// <summary>
    /// From the function: an output, headers with the trace of a value after their length, and a payload. Only if the plan says
    /// that the service takes it (<see cref="CallPlan.TakesTraces"/>).
    /// </summary>
    PutTraced,

    /// <summary>
    /// From the function: question, and the questions of reads ahead. The function waits until one of them is answered; the answer says
    /// that it may go on. Only if the plan says that the service knows it (<see cref="CallPlan.TakesWaits"/>).
    /// </summary>
    Wait,
}
