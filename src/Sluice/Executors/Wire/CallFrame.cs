namespace Sluice;

/// <summary>
/// What a frame of a function's execution in another process is. Behind the kind stands the number of the call, eight bytes, and what the kind says; numbers have eight bytes, texts their length before them.
/// The first frame of a child is a <see cref="FrameKind.Hello"/>.
/// </summary>
internal enum CallFrame : byte
{
    /// <summary>To the child: what is to be executed, as JSON (<see cref="CallPlan"/>).</summary>
    Plan = 32,

    /// <summary>To the child: some of what was chosen by an earlier start.</summary>
    Choices,

    /// <summary>To the child: now it is to be executed.</summary>
    Begin,

    /// <summary>To the child: it is to stop.</summary>
    Cancel,

    /// <summary>To the child: the number of what it has asked for, and the answer.</summary>
    Answer,

    /// <summary>To the child: the number of what it has asked for, and why there is no answer (<see cref="CallFailure"/>).</summary>
    Refusal,

    /// <summary>To the child: something that it has not waited for has failed (<see cref="CallFailure"/>); nothing more can be put out.</summary>
    Fault,

    /// <summary>To the child: output, number of values and bytes that were taken over.</summary>
    Credit,

    /// <summary>From the child: question, input, from where, whether it counts, whether the place was chosen, which. The answer has the reading's number and where it begins.</summary>
    Open = 64,

    /// <summary>From the child: question, reading. The answer says whether the stream is complete, and has values: sequence, generation, length and payload.</summary>
    Read,

    /// <summary>From the child: question, reading.</summary>
    Release,

    /// <summary>From the child: question, and the state that is to be saved.</summary>
    Save,

    /// <summary>From the child: reading, what was delivered of it, what of it has been processed.</summary>
    At,

    /// <summary>From the child: everything delivered so far has been processed; whether nothing more is at hand.</summary>
    Reach,

    /// <summary>From the child: what kind of choice, and what was chosen.</summary>
    Chosen,

    /// <summary>From the child: output, and a payload.</summary>
    Put,

    /// <summary>From the child: the function has returned.</summary>
    Done,

    /// <summary>From the child: the function has failed (<see cref="CallFailure"/>).</summary>
    Failed,
}
