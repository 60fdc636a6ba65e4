namespace Sluice.Delivery;

/// <summary>The losses of the store: it knows less than it had acknowledged.</summary>
/// <remarks>Thread-safe. <see cref="StoreLossRecovery"/> loads the consecutor anew after a loss.</remarks>
internal interface IStoreLosses
{
    /// <summary>How many losses were noticed.</summary>
    int Count { get; }

    /// <summary>The last loss, as a text for people; null if no loss is known.</summary>
    string? Latest { get; }

    /// <summary>Notes a loss, gives up all partitions, and begins the recovery unless it runs already.</summary>
    /// <param name="how">How the loss showed, for people.</param>
    void WentBack(string how);

    /// <summary>Notes a loss if the answer to a commit tells of one.</summary>
    /// <returns>The answer.</returns>
    CommitResult Learn(Ownership owner, CommitResult answer)
    {
        if (answer.Status is CommitStatus.Gap or CommitStatus.NotOutstanding)
            WentBack($"A commit of {owner} was refused ({answer.Status}): {answer.Detail}");
        return answer;
    }
}
