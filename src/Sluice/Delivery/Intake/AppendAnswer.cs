namespace Sluice.Delivery;

/// <summary>Interprets the answers of a store to numbered appends, for senders to a consecutor.</summary>
internal static class AppendAnswer
{
    /// <summary>Returns the exception for senders when the input is complete.</summary>
    /// <param name="name">The name of the consecutor.</param>
    /// <param name="isStored">Whether a store has the end of the input, which then outlives the process.</param>
    public static InvalidOperationException InputIsComplete(string name, bool isStored)
        => new($"The input of {name} is complete (Consecutor.CompleteAsync): nothing can be sent to it any more. The items were not "
            + $"accepted.{(isStored ? " The store keeps that, also over restarts: send them to a consecutor of another name. To end a "
                + "program whose next start sends more, call StopAsync, and not CompleteAsync." : "")}");

    /// <summary>Notes that the store has the end of the input, and returns the exception for the sender.</summary>
    public static InvalidOperationException Ended(ConsecutorIdentity identity, ConsecutorStream stream)
    {
        stream.IsInputComplete = true;
        return InputIsComplete(identity.Name, isStored: true);
    }

    /// <summary>Interprets the answer to one append.</summary>
    /// <param name="identity">The consecutor of the stream.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="producer">The name of the producer.</param>
    /// <param name="resumes">Whether the producer resumes at its stored position.</param>
    /// <param name="result">The answer.</param>
    /// <param name="first">The number of the first item.</param>
    /// <returns>True if the stream is full and the append is to be repeated when there is room; false if it was accepted.</returns>
    /// <exception cref="InvalidOperationException">No more items will be accepted.</exception>
    /// <exception cref="ProducerSupersededException">Another run of the producer has begun.</exception>
    /// <exception cref="StoreRolledBackException">The store has lost items that it had acknowledged.</exception>
    public static bool IsFull(ConsecutorIdentity identity, ConsecutorStream stream, string producer, bool resumes, AppendResult result,
        long first)
    {
        switch (result.Status)
        {
            case AppendStatus.Accepted or AppendStatus.Duplicate:
                return false;
            case AppendStatus.Full:
                return true;
            case AppendStatus.Ended:
                throw Ended(identity, stream);
            case AppendStatus.Refused when resumes:
                throw new ProducerSupersededException(
                    $"This run was superseded: another run of the producer '{producer}' has begun since, and goes on behind what this one "
                        + $"had accepted in {identity.Name}. "
                    + "Nothing is lost and nothing twice. If that was not meant, let one run end before the next one begins; different "
                    + "inputs need producers of different names.")
                {
                    Producer = producer
                };
            case AppendStatus.Refused:
                throw new InvalidOperationException(
                    $"Somebody else has opened the producer '{producer}' of {identity.Name} since: another consecutor of this name sends "
                        + $"to the same store as the same member "
                    + $"'{identity.Options.InstanceId}'. The items were not accepted. Let one of them end before the next one sends, or "
                    + $"give each its own ConsecutorOptions.InstanceId.");
            default:
                throw new StoreRolledBackException(
                    $"The store knows the producer '{producer}' of {identity.Name} up to {result.Last}, and has acknowledged {first - 1}.")
                {
                    Store = stream.Store
                };
        }
    }
}
