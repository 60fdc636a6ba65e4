namespace Sluice.Flows;

/// <summary>Receives the boundaries between items and the choices of a function's readers.</summary>
internal interface IItemBoundary
{
    /// <summary>The telemetry of the start.</summary>
    StartTelemetry Telemetry { get; }

    /// <param name="mayWait">Whether the next value is not at hand, so that staged output should be committed now.</param>
    /// <param name="cancellation">Cancels the call.</param>
    ValueTask ReachAsync(bool mayWait, CancellationToken cancellation);

    /// <summary>Begins a loop over streams, which ends when the result is disposed.</summary>
    /// <param name="streams">Their names, for people.</param>
    /// <exception cref="FlowException">Another loop is running, and the processor resumes per item: a commit would split the items of one
    /// of them.</exception>
    IDisposable? Enter(string streams);

    /// <summary>Numbers a new chooser.</summary>
    /// <param name="kind">What it chooses.</param>
    /// <param name="streams">The streams it chooses from.</param>
    /// <returns>Its number, the same in a repetition.</returns>
    int NumberOf(ChoiceKind kind, string streams);

    /// <summary>Makes a choice, or replays the stored one in a repetition.</summary>
    ValueTask<long> ChooseAsync(ChoiceKind kind, int number, Func<ValueTask<long>> choose);

    /// <summary>Stores where the reading of a stream has begun, if the processor stores positions.</summary>
    ValueTask PlaceAsync(string stream, long place);
}
