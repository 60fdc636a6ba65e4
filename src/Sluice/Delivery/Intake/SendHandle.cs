namespace Sluice.Delivery;

/// <summary>The entries that one call has added to an append, so that the call can withdraw them.</summary>
/// <remarks>The caller withdraws on any thread. The position is under the lock of the appender; then its appending loop owns
/// it.</remarks>
internal sealed class SendHandle
{
    private volatile AppendBatch? append;
    private volatile bool isWithdrawn;

    /// <summary>Whether the entries are not to be accepted any more.</summary>
    public bool IsWithdrawn => isWithdrawn;

    /// <summary>The index of the first entry in its append.</summary>
    public int First { get; set; }

    /// <summary>The number of entries.</summary>
    public int Count { get; private set; }

    /// <summary>Makes a handle if the token can be cancelled.</summary>
    public static SendHandle? For(CancellationToken cancellation) => cancellation.CanBeCanceled ? new() : null;

    /// <summary>Notes where the entries are.</summary>
    public void Place(AppendBatch to, int first, int count) => (append, First, Count) = (to, first, count);

    /// <summary>Withdraws the entries. If the store is being asked to accept them, or has left a call unanswered, it may accept them
    /// nevertheless.</summary>
    public void Withdraw()
    {
        isWithdrawn = true;
        append?.Wake();
    }

    /// <summary>Waits for the append. If the token is cancelled, the entries are withdrawn.</summary>
    public async Task WaitAsync(Task done, CancellationToken cancellation)
    {
        try
        {
            await done.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            Withdraw();
            throw;
        }
    }
}
