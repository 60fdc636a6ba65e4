namespace Sluice;

/// <summary>What the answers of a store to numbered appends mean to whoever sends to a consecutor.</summary>
internal static class AppendAnswer
{
    public static string InputIsComplete(string name) => $"The input of {name} is complete (Consecutor.CompleteAsync): nothing can be sent to it any more. The items were not accepted.";

    /// <summary>What an append was answered.</summary>
    /// <param name="core">Whose stream it is.</param>
    /// <param name="producer">Who appends.</param>
    /// <param name="resumes">Whether the producer goes on where it was.</param>
    /// <param name="result">The answer.</param>
    /// <param name="first">The number of the first item.</param>
    /// <returns>Whether it is to be tried again when there is room; else it was accepted.</returns>
    /// <exception cref="InvalidOperationException">Nothing will be accepted any more.</exception>
    /// <exception cref="StoreRolledBackException">The store knows less than it has acknowledged.</exception>
    public static bool IsFull(ConsecutorCore core, string producer, bool resumes, AppendResult result, long first)
    {
        switch (result.Status)
        {
            case AppendStatus.Accepted or AppendStatus.Duplicate:
                return false;
            case AppendStatus.Full:
                return true;
            case AppendStatus.Ended:
                throw new InvalidOperationException(InputIsComplete(core.Name));
            case AppendStatus.Refused when resumes:
                throw new InvalidOperationException(
                    $"This run was superseded: another run of the producer '{producer}' has begun since, and goes on behind what this one had accepted in {core.Name}. "
                    + "Nothing is lost and nothing twice. If that was not meant, let one run end before the next one begins; different inputs need producers of different names.");
            case AppendStatus.Refused:
                throw new InvalidOperationException(
                    $"Somebody else has opened the producer '{producer}' of {core.Name} since: another consecutor of this name sends to the same store as the same member "
                    + $"'{core.Options.InstanceId}'. The items were not accepted. Let one of them end before the next one sends, or give each its own ConsecutorOptions.InstanceId.");
            default:
                throw new StoreRolledBackException($"The store knows the producer '{producer}' of {core.Name} up to {result.Last}, and has acknowledged {first - 1}.");
        }
    }
}
