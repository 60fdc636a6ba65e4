namespace Sluice;

/// <summary>Says when everything that was read before has been processed.</summary>
internal interface IItemBoundary
{
    /// <param name="mayWait">Whether nothing is at hand: what is held back had better be put out.</param>
    /// <param name="cancellation">Gives up.</param>
    ValueTask ReachAsync(bool mayWait, CancellationToken cancellation);

    /// <summary>A loop over streams begins; it ends when the result is disposed.</summary>
    /// <param name="streams">Their names, for people.</param>
    /// <exception cref="FlowException">There is one already, and the processor goes on behind items: what one has put out would be committed in the middle of the other's.</exception>
    IDisposable? Enter(string streams);

    /// <summary>Something begins that chooses by the moment.</summary>
    /// <param name="kind">What it chooses.</param>
    /// <param name="streams">Between which streams, or where.</param>
    /// <returns>A number for it: the same in a repetition.</returns>
    int NumberOf(ChoiceKind kind, string streams);

    /// <summary>A place in a stream that depends on the moment: the one that was chosen before, if this is a repetition.</summary>
    ValueTask<long> ChooseAsync(ChoiceKind kind, int number, Func<ValueTask<long>> choose);

    /// <summary>Writes down where the reading of a stream has begun, for a processor that goes on from places.</summary>
    ValueTask PlaceAsync(string stream, long place);
}
