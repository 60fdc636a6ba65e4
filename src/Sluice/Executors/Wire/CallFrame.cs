namespace Sluice;

/// <summary>
/// What a message of a function's execution elsewhere is: one byte, and behind it what the kind says. Numbers have eight bytes, little endian; texts are UTF-8 with their length, four bytes, before them.
/// docs/writing-an-executor.md says the same for those who write the other side: what is changed here is changed there.
/// </summary>
internal enum CallFrame : byte
{
    /// <summary>To the function: what is to be executed, as JSON (<see cref="CallPlan"/>).</summary>
    Plan = 32,

    /// <summary>To the function: some of what was chosen by an earlier start.</summary>
    Choices,

    /// <summary>To the function: now it is to be executed.</summary>
    Begin,

    /// <summary>To the function: it is to stop.</summary>
    Cancel,

    /// <summary>To the function: the number of what it has asked for, and the answer.</summary>
    Answer,

    /// <summary>To the function: the number of what it has asked for, and why there is no answer (<see cref="CallFailure"/>).</summary>
    Refusal,

    /// <summary>To the function: something that it has not waited for has failed (<see cref="CallFailure"/>); nothing more can be put out.</summary>
    Fault,

    /// <summary>To the function: output, number of values and bytes that were taken over.</summary>
    Credit,

    /// <summary>From the function: question, input, from where, whether it counts, whether the place was chosen, which. The answer has the reading's number and where it begins.</summary>
    Open = 64,

    /// <summary>From the function: question, reading. The answer says whether the stream is complete, and has values: sequence, generation, length and payload.</summary>
    Read,

    /// <summary>From the function: question, reading.</summary>
    Release,

    /// <summary>From the function: question, and the state that is to be saved.</summary>
    Save,

    /// <summary>From the function: reading, what was delivered of it, what of it has been processed.</summary>
    At,

    /// <summary>From the function: everything delivered so far has been processed; whether nothing more is at hand.</summary>
    Reach,

    /// <summary>From the function: what kind of choice, and what was chosen.</summary>
    Chosen,

    /// <summary>From the function: output, and a payload.</summary>
    Put,

    /// <summary>From the function: the function has returned.</summary>
    Done,

    /// <summary>From the function: the function has failed (<see cref="CallFailure"/>).</summary>
    Failed,
}
