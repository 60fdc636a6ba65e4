namespace Sluice.Delivery;

/// <summary>Interprets the answers of a store to numbered appends, for senders to a consecutor.</summary>
internal static class AppendAnswer
{
    public static string InputIsComplete(string name)
        => $"The input of {name} is complete (Consecutor.CompleteAsync): nothing can be sent to it any more. The items were not accepted.";

    /// <summary>Interprets the answer to one append.</summary>
    /// <param name="identity">The consecutor of the stream.</param>
    /// <param name="producer">The name of the producer.</param>
    /// <param name="resumes">Whether the producer resumes at its stored position.</param>
    /// <param name="result">The answer.</param>
    /// <param name="first">The number of the first item.</param>
    /// <returns>True if the stream is full and the append is to be repeated when there is room; false if it was accepted.</returns>
    /// <exception cref="InvalidOperationException">No more items will be accepted.</exception>
    /// <exception cref="StoreRolledBackException">The store has lost items that it had acknowledged.</exception>
    public static bool IsFull(ConsecutorIdentity identity, string producer, bool resumes, AppendResult result, long first)
    {
        switch (result.Status)
        {
            case AppendStatus.Accepted or AppendStatus.Duplicate:
                return false;
            case AppendStatus.Full:
                return true;
            case AppendStatus.Ended:
                throw new InvalidOperationException(InputIsComplete(identity.Name));
            case AppendStatus.Refused when resumes:
                throw new InvalidOperationException(
                    $"This run was superseded: another run of the producer '{producer}' has begun since, and goes on behind what this one "
                        + $"had accepted in {identity.Name}. "
                    + "Nothing is lost and nothing twice. If that was not meant, let one run end before the next one begins; different "
                    + "inputs need producers of different names.");
            case AppendStatus.Refused:
                throw new InvalidOperationException(
                    $"Somebody else has opened the producer '{producer}' of {identity.Name} since: another consecutor of this name sends "
                        + $"to the same store as the same member "
                    + $"'{identity.Options.InstanceId}'. The items were not accepted. Let one of them end before the next one sends, or "
                    + $"give each its own ConsecutorOptions.InstanceId.");
            default:
                throw new StoreRolledBackException(
                    $"The store knows the producer '{producer}' of {identity.Name} up to {result.Last}, and has acknowledged {first - 1}.");
        }
    }
}
