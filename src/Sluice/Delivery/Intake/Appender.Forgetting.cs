namespace Sluice.Delivery;

// Lets the store forget a producer whose name no later start uses. Locking rule: as in the appender; `appendedAt` and `mayBeForgotten`
// belong to the appending loop.
internal sealed partial class Appender<T>
{
    // Longer than any resend of this process: an append is tried five times.
    private static readonly TimeSpan WindowOfSender = TimeSpan.FromDays(1);

    // For a name that later starts use: they may come after a pause of weeks, and then open the producer anew.
    private static readonly TimeSpan WindowOfNamedSender = TimeSpan.FromDays(30);

    // Bytes that the connection of an ended sender still carries arrive within this time, or never.
    private static readonly TimeSpan WindowOfEnded = TimeSpan.FromMinutes(10);

    private (long Timestamp, DateTimeOffset Wall)? appendedAt;        // of the last accepted append
    private bool mayBeForgotten;
    private Ending? ending;                          // under the lock; the requested end

    /// <summary>Whether no later start uses the name, so that the store may forget the producer. Set before the first item.</summary>
    public bool IsEphemeral { get; set; }

    /// <summary>Whether the producer only sends, and resumes nothing: the store may forget it after a month without appends. Set before the
    /// first item.</summary>
    public bool IsSender { get; set; }

    private TimeSpan? Window => IsEphemeral ? WindowOfSender : IsSender ? WindowOfNamedSender : null;

    /// <summary>Tells the store that this producer has ended, so that the store forgets it soon. If the last append failed, the store
    /// forgets the producer after its window. Call after the last send; concurrent calls share one. Throws nothing.</summary>
    /// <param name="cancellation">Gives up; the token of the first call counts.</param>
    public Task EndAsync(CancellationToken cancellation)
    {
        bool begins;
        Ending one;
        lock (sync)
        {
            if (!IsEphemeral || appendedAt is null) return Task.CompletedTask;
            if (ending is not null) return ending.Done.Task;
            ending = one = new(cancellation);
            begins = Begin();
        }
        if (begins) _ = AppendAllAsync();
        return one.Done.Task;
    }

    // Called by the appending loop.
    private async Task TellEndAsync()
    {
        Ending one = ending!;
        try
        {
            using var nothing = new EntryBatch();
            if (isOpen)
                await core.Store.AppendAsync(new(core.Name, producer, epoch, last + 1, nothing)
                {
                    Position = ReadOnlyMemory<byte>.Empty,
                    ForgetAfter = WindowOfEnded
                }, one.Cancellation).ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The window of the last append ends by itself.
        }
        isOpen = false;                              // a later send opens the producer anew
        lock (sync) ending = null;
        one.Done.TrySetResult();
    }

    private void NoteAppend()
    {
        if (Window is not null) (appendedAt, mayBeForgotten) = ((core.Time.GetTimestamp(), core.Time.GetUtcNow()), false);
    }

    // Before a first try of an append: opens a producer that has rested for long anew, as the store may have forgotten it. Timestamps
    // stand still while a machine sleeps, and the wall clock may be set, so either may say "long": a needless open costs one call.
    private void ReopenAfterRest()
    {
        if (appendedAt is not { } at || Window is not { } window || (core.Time.GetElapsedTime(at.Timestamp) < window / 2
            && core.Time.GetUtcNow() - at.Wall < window / 2)) return;
        (isOpen, mayBeForgotten) = (false, true);
    }

    // Whether the store has forgotten the producer as told, and not lost it.
    private bool IsForgotten() => mayBeForgotten && last == 0;

    /// <summary>Handles a store that went back. A resumable producer must resume: otherwise the items accepted since the stored position
    /// would be lost, although the producer can read them again.</summary>
    private async Task WentBackAsync(int known, string how, Exception? cause, bool isInside)
    {
        if (core.Losses.Count == known) core.Losses.WentBack(how);            // otherwise the loss is already known
        losses = core.Losses.Count;
        Task renewed = core.Recovery.RenewedAsync(core.Lifetime.Token);
        await (isInside ? core.Accepting.WaitOutsideAsync(renewed) : renewed).ConfigureAwait(false);
        if (Position is null) return;
        last = 0;
        throw new InvalidOperationException(
            $"The store has lost items of the producer '{producer}' that it had accepted. {how} Run the producer again: it goes on where "
                + $"the store knows that it was.", cause);
    }

    private sealed class Ending(CancellationToken cancellation)
    {
        public CancellationToken Cancellation => cancellation;
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
